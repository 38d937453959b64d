import { DAYS, every, monthly } from './calendar.ts'
import type { Life } from './life.ts'
import type { Merchant } from './merchants.ts'
import * as merchants from './merchants.ts'
import type { Random } from './random.ts'

/** One line of a statement before it has an id. `day` counts from the first of the data. */
export interface Entry {
  day: number
  account: string
  /** Cents; negative is money out. */
  amount: number
  merchant: string | null
  entity: string | null
  channel: Merchant['channel']
  primary: string
  detailed: string
  /** Not posted yet: in no balance but the available one. */
  pending: boolean
}

/** A line of paying or being paid by a merchant. */
export function at(merchant: Merchant, day: number, account: string, amount: number): Entry {
  const { name, entity, channel, primary, detailed } = merchant
  return { day, account, amount, merchant: name, entity, channel, primary, detailed, pending: false }
}

/** A line between the bank and the user, or between accounts of the user. */
export function bank(day: number, account: string, amount: number, primary: string, detail: string): Entry {
  const detailed = `${primary}_${detail}`
  return {
    day,
    account,
    amount,
    merchant: null,
    entity: null,
    channel: 'other',
    primary,
    detailed,
    pending: false,
  }
}

/** Pay: every other Friday, once a month, or from clients when they get round to it. */
export function pay(life: Life, account: string, random: Random): Entry[] {
  const { kind, amount } = life.pay
  if (kind === 'irregular') {
    const entries: Entry[] = []
    for (let day = random.integer(0, 30); day < DAYS; day += random.integer(40, 65)) {
      const paid = Math.round((amount * random.integer(50, 160)) / 100)
      entries.push(at(random.pick(merchants.clients), day, account, paid))
    }
    return entries
  }
  const employer = random.pick(merchants.employers)
  const days = kind === 'biweekly' ? every(14, random.pick([3, 10])) : monthly(random.pick([1, 15, 25]))
  return days.map((day) => at(employer, day, account, amount))
}

/** What must be paid each month from checking: housing, utilities, loans. */
export function bills(life: Life, account: string, random: Random): Entry[] {
  const home = life.mortgage ? random.pick(merchants.mortgageLender) : random.pick(merchants.landlords)
  const lines: [Merchant, number, number][] = [
    [home, life.housing, 0],
    [random.pick(merchants.electricity), random.integer(60, 140) * 100, 25],
    [random.pick(merchants.internet), random.integer(45, 85) * 100, 0],
    [random.pick(merchants.phone), random.integer(25, 70) * 100, 0],
  ]
  if (life.studentLoan) lines.push([random.pick(merchants.studentLender), random.integer(120, 320) * 100, 0])
  return lines.flatMap(([merchant, amount, varies]) => {
    const dayOfMonth = random.integer(1, 28)
    return drift(monthly(dayOfMonth), 1, random).map((day) =>
      at(merchant, day, account, -vary(amount, varies, random)),
    )
  })
}

/** Subscriptions: one price, every month (a few every week), up to two days early or late. */
export function subscriptions(life: Life, accountOf: () => string, random: Random): Entry[] {
  const first = random.integer(0, merchants.subscriptions.length - 1)
  return Array.from({ length: life.subscriptions }).flatMap((_, index) => {
    const merchant = merchants.subscriptions[(first + index) % merchants.subscriptions.length]
    if (merchant === undefined) return []
    const account = accountOf()
    const weekly = random.chance(10)
    const price = weekly ? random.integer(5, 12) * 100 + 99 : random.integer(5, 29) * 100 + 99
    const days = weekly ? every(7, random.integer(0, 6)) : monthly(random.integer(1, 28))
    return drift(days, weekly ? 1 : 2, random).map((day) => at(merchant, day, account, -price))
  })
}

/** What is bought through the week. */
export function purchases(life: Life, accountOf: () => string, random: Random): Entry[] {
  const habits: [readonly Merchant[], number, number, number][] = [
    [merchants.groceries, life.groceries, 2200, 11_500],
    [merchants.restaurants, life.eatingOut, 1100, 5200],
    [merchants.coffee, life.coffee, 350, 900],
    [merchants.transport, life.rides, 900, 5200],
    [merchants.shops, life.shopping, 800, 9500],
  ]
  const entries: Entry[] = []
  for (let week = 0; week * 7 < DAYS; week++) {
    for (const [places, times, least, most] of habits) {
      // Once more or once less, now and then.
      const count = times + (random.chance(20) ? random.pick([-1, 1]) : 0)
      for (let time = 0; time < count; time++) {
        const day = week * 7 + random.integer(0, 6)
        if (day < DAYS) entries.push(at(random.pick(places), day, accountOf(), -random.integer(least, most)))
      }
    }
  }
  return entries
}

/** Moved from checking to savings each month, with the interest that the savings earn. */
export function saving(life: Life, checking: string, savings: string, random: Random): Entry[] {
  const monthlyInterest = Math.round((life.savingsBalance * 4) / 1200)
  const moves = monthly(random.integer(2, 28)).flatMap((day) => [
    bank(day, checking, -life.saving, 'TRANSFER_OUT', 'SAVINGS'),
    bank(day, savings, life.saving, 'TRANSFER_IN', 'SAVINGS'),
  ])
  const interest = monthly(28).map((day) => bank(day, savings, monthlyInterest, 'INCOME', 'INTEREST_EARNED'))
  return [...moves, ...interest]
}

/** Most purchases of the last two days are not posted yet. */
export function markPending(entries: readonly Entry[], random: Random): Entry[] {
  return entries.map((entry) =>
    entry.day >= DAYS - 2 && random.chance(60) ? { ...entry, pending: true } : entry,
  )
}

/** Fees for going below nothing. */
export function overdrafts(life: Life, account: string, random: Random): Entry[] {
  return Array.from({ length: life.overdrafts }, () =>
    bank(random.integer(20, DAYS - 5), account, -3500, 'BANK_FEES', 'OVERDRAFT_FEES'),
  )
}

/** The other side of a life: a small business's own account. */
export function business(account: string, random: Random): Entry[] {
  const sales = every(9, random.integer(0, 8)).map((day) =>
    at(random.pick(merchants.clients), day, account, random.integer(400, 2600) * 100),
  )
  const costs = every(12, random.integer(0, 11)).map((day) =>
    at(random.pick(merchants.shops), day, account, -random.integer(100, 900) * 100),
  )
  return [...sales, ...costs]
}

/** Each day moved by up to `most` days either way, those that leave the data dropped. */
function drift(days: readonly number[], most: number, random: Random): number[] {
  return days.map((day) => day + random.integer(-most, most)).filter((day) => day >= 0 && day < DAYS)
}

function vary(amount: number, percent: number, random: Random): number {
  return Math.round((amount * random.integer(100 - percent, 100 + percent)) / 100)
}
