import type { Random } from './random.ts'

/** How one invented person earns, spends, saves and borrows. Money is cents. */
export interface Life {
  /** `amount` is what comes each time, on average where it is irregular. */
  pay: { kind: 'biweekly' | 'monthly' | 'irregular'; amount: number }
  /** A month; paid as rent, or to a lender where `mortgage` is set. */
  housing: number
  mortgage: boolean
  studentLoan: boolean
  /** Purchases in a week. */
  groceries: number
  eatingOut: number
  coffee: number
  rides: number
  shopping: number
  /** How many of the subscription merchants. */
  subscriptions: number
  /** Moved to savings each month; 0 for no savings account. */
  saving: number
  /** At the start. */
  savingsBalance: number
  investments: number
  cards: Card[]
  /** Of everyday purchases made by card, when there is one. */
  cardPercent: number
  overdrafts: number
}

export interface Card {
  /** Of the limit, at the end, percent. */
  utilisation: number
  pays: 'everything' | 'a part' | 'the minimum'
  /** The last payment was missed. */
  overdue: boolean
  /** Percent a year. */
  apr: number
  /** Owed at the start, cents. */
  opening: number
}

type Kind = 'steady' | 'saver' | 'stretched' | 'freelance' | 'subscriber' | 'affluent'

const KINDS: readonly (readonly [Kind, number])[] = [
  ['steady', 20],
  ['saver', 14],
  ['stretched', 14],
  ['freelance', 12],
  ['subscriber', 9],
  ['affluent', 6],
]

/** One kind for each user, the same mix in every run. */
export const KIND_OF_USER: readonly Kind[] = KINDS.flatMap(([kind, users]) => Array<Kind>(users).fill(kind))

/** Draws a life of a kind. */
export function drawLife(kind: Kind, random: Random): Life {
  return { ...ordinary(random), ...TRAITS[kind](random) }
}

function ordinary(random: Random): Life {
  return {
    pay: regularPay(random, 1500, 2400),
    housing: random.integer(900, 1500) * 100,
    mortgage: false,
    studentLoan: random.chance(25),
    groceries: 2,
    eatingOut: random.integer(1, 2),
    coffee: random.integer(0, 1),
    rides: 1,
    shopping: random.integer(0, 1),
    subscriptions: random.integer(1, 3),
    saving: random.chance(50) ? random.integer(50, 150) * 100 : 0,
    savingsBalance: random.integer(500, 4000) * 100,
    investments: 0,
    cards: random.chance(80)
      ? [card(random, random.integer(8, 45), random.chance(60) ? 'everything' : 'a part')]
      : [],
    cardPercent: 45,
    overdrafts: 0,
  }
}

const TRAITS: Record<Kind, (random: Random) => Partial<Life>> = {
  steady: () => ({}),
  saver: (random) => ({
    pay: regularPay(random, 2000, 2700),
    eatingOut: 1,
    saving: random.integer(250, 700) * 100,
    savingsBalance: random.integer(4000, 15000) * 100,
    cards: [card(random, random.integer(3, 25), 'everything')],
  }),
  stretched: (random) => ({
    pay: { kind: 'biweekly', amount: random.integer(1300, 1700) * 100 },
    saving: 0,
    cards: Array.from({ length: random.integer(1, 2) }, () => ({
      ...card(random, random.integer(52, 97), random.chance(70) ? 'the minimum' : 'a part'),
      overdue: random.chance(35),
      opening: random.integer(2500, 6500) * 100,
    })),
    cardPercent: 35,
    overdrafts: random.integer(0, 3),
  }),
  freelance: (random) => ({
    pay: { kind: 'irregular', amount: random.integer(3500, 6500) * 100 },
    saving: 0,
    eatingOut: 1,
  }),
  subscriber: (random) => ({ subscriptions: random.integer(6, 9) }),
  affluent: (random) => ({
    pay: { kind: 'biweekly', amount: random.integer(5000, 7500) * 100 },
    housing: random.integer(2200, 3200) * 100,
    mortgage: true,
    eatingOut: 3,
    shopping: 2,
    saving: random.integer(800, 1500) * 100,
    savingsBalance: random.integer(30_000, 90_000) * 100,
    investments: random.integer(50_000, 300_000) * 100,
    cards: [card(random, random.integer(2, 15), 'everything')],
    cardPercent: 70,
  }),
}

/** Every two weeks or, twice as much, every month. Dollars of two weeks. */
function regularPay(random: Random, low: number, high: number): Life['pay'] {
  const cents = random.integer(low, high) * 100
  return random.chance(60) ? { kind: 'biweekly', amount: cents } : { kind: 'monthly', amount: cents * 2 }
}

function card(random: Random, utilisation: number, pays: Card['pays']): Card {
  const opening = random.integer(300, 1200) * 100
  return { utilisation, pays, overdue: false, apr: random.integer(1699, 2899) / 100, opening }
}
