import { sum } from '../src/features/statistics.ts'
import type { Account, Liability, Transaction, User } from '../src/schema.ts'
import { DAYS, dateOf } from './calendar.ts'
import { type CardAccount, runCard } from './card.ts'
import type { Entry } from './entries.ts'
import * as lines from './entries.ts'
import { type Card, drawLife, KIND_OF_USER } from './life.ts'
import { personName } from './names.ts'
import { type Random, random as seeded } from './random.ts'

export interface Person {
  user: User
  accounts: Account[]
  /** Without ids, in no order. */
  entries: Entry[]
  liabilities: Liability[]
}

const NO_RATES = { purchase_apr: null, cash_apr: null, balance_transfer_apr: null, interest_rate: null }

/** Draws user `index` (from 0) with everything that is theirs. Each has randomness of their own. */
export function drawPerson(seed: string, index: number): Person {
  const kind = KIND_OF_USER[index]
  if (kind === undefined) throw new RangeError(`no user ${index}; there are ${KIND_OF_USER.length}`)
  const random = seeded(`${seed}/${index}`)
  const life = drawLife(kind, random)
  const number = String(index + 1).padStart(3, '0')
  const userId = `user-${number}`
  const accountId = (suffix: string) => `acc-${number}-${suffix}`
  const checking = accountId('chk')
  const savings = accountId('sav')
  const cardIds = life.cards.map((_, card) => accountId(`cc${card + 1}`))
  const payWith = () =>
    cardIds.length > 0 && random.chance(life.cardPercent) ? random.pick(cardIds) : checking

  const everyday = lines.markPending(
    [...lines.purchases(life, payWith, random), ...lines.subscriptions(life, payWith, random)],
    random,
  )
  const cards = life.cards.map((card, at) => drawCard(card, cardIds[at] ?? '', checking, everyday, random))
  const entries = [
    ...lines.pay(life, checking, random),
    ...lines.bills(life, checking, random),
    ...everyday,
    ...lines.overdrafts(life, checking, random),
    ...(life.saving > 0 ? lines.saving(life, checking, savings, random) : []),
    ...cards.flatMap(({ run }) => run.entries),
  ]

  const account = (
    id: string,
    type: Account['type'],
    subtype: string,
    balance: Pick<Account, 'balance_available' | 'balance_current' | 'balance_limit'>,
    holder: Account['holder_category'] = 'personal',
  ): Account => ({ id, user_id: userId, type, subtype, ...balance, currency: 'USD', holder_category: holder })

  const accounts = [account(checking, 'depository', 'checking', checkingBalances(entries, checking, random))]
  if (life.saving > 0)
    accounts.push(
      account(savings, 'depository', 'savings', cash(life.savingsBalance + flow(entries, savings))),
    )
  const liabilities: Liability[] = []
  for (const { id, card, run } of cards) {
    const { balance, limit, pending } = run
    const available = Math.max(0, limit - balance - pending)
    accounts.push(
      account(id, 'credit', 'credit card', {
        balance_available: available,
        balance_current: balance,
        balance_limit: limit,
      }),
    )
    liabilities.push(cardLiability(id, card, run))
  }
  if (life.mortgage) addLoan('mortgage', life.housing, 220)
  if (life.studentLoan) addLoan('student', monthlyTo(entries, 'STUDENT_LOAN_PAYMENT'), 90)
  if (life.investments > 0) {
    accounts.push(account(accountId('inv'), 'investment', 'brokerage', cash(life.investments)))
  }
  if (index % 9 === 4) {
    const id = accountId('biz')
    const own = lines.business(id, random)
    entries.push(...own)
    accounts.push(account(id, 'depository', 'checking', checkingBalances(own, id, random), 'business'))
  }

  function addLoan(kind: 'mortgage' | 'student', payment: number, months: number): void {
    const id = accountId(kind === 'mortgage' ? 'mtg' : 'stu')
    const owed = payment * random.integer(Math.round(months / 2), months)
    accounts.push(
      account(id, 'loan', kind, { balance_available: null, balance_current: owed, balance_limit: null }),
    )
    liabilities.push(loanLiability(id, kind, payment, entries, random))
  }

  const joined = dateOf(-random.integer(10, 900))
  const user = { id: userId, name: personName(index), email: `${userId}@example.com`, created_on: joined }
  return { user, accounts, entries, liabilities }
}

/** A line as a row. */
export function toTransaction(entry: Entry, id: string, userId: string): Transaction {
  return {
    id,
    account_id: entry.account,
    user_id: userId,
    date: dateOf(entry.day),
    amount: entry.amount,
    merchant_name: entry.merchant,
    merchant_entity_id: entry.entity,
    payment_channel: entry.channel,
    category_primary: entry.primary,
    category_detailed: entry.detailed,
    pending: entry.pending ? 1 : 0,
  }
}

function drawCard(card: Card, id: string, checking: string, everyday: readonly Entry[], random: Random) {
  const own = everyday.filter(({ account }) => account === id)
  return { id, card, run: runCard(card, id, checking, own, random.integer(1, 28)) }
}

function flow(entries: readonly Entry[], account: string): number {
  return sum(entries.filter((entry) => entry.account === account).map(({ amount }) => amount))
}

function cash(cents: number) {
  return { balance_available: cents, balance_current: cents, balance_limit: null }
}

/** What is left at the end, when the account began with enough never to run dry. */
function checkingBalances(entries: readonly Entry[], account: string, random: Random) {
  const byDay = Array<number>(DAYS).fill(0)
  let pending = 0
  for (const entry of entries) {
    if (entry.account !== account) continue
    byDay[entry.day] = (byDay[entry.day] ?? 0) + entry.amount
    if (entry.pending) pending += entry.amount
  }
  let change = 0
  let lowest = 0
  for (const amount of byDay) {
    change += amount
    lowest = Math.min(lowest, change)
  }
  const available = change - lowest + random.integer(20, 900) * 100
  return { ...cash(available), balance_current: available - pending }
}

function cardLiability(id: string, card: Card, run: CardAccount): Liability {
  return {
    account_id: id,
    kind: 'credit',
    ...NO_RATES,
    purchase_apr: card.apr,
    cash_apr: 29.99,
    minimum_payment: run.minimum,
    last_payment: run.lastPayment,
    last_payment_date: run.lastPaymentDate,
    last_statement_balance: run.statementBalance,
    next_due_date: run.nextDue,
    overdue: card.overdue ? 1 : 0,
  }
}

function loanLiability(
  id: string,
  kind: 'mortgage' | 'student',
  payment: number,
  entries: readonly Entry[],
  random: Random,
): Liability {
  const days = entries.filter(({ detailed }) => detailed.includes(kind.toUpperCase())).map(({ day }) => day)
  const last = Math.max(...days)
  return {
    account_id: id,
    kind,
    ...NO_RATES,
    interest_rate: random.integer(350, 720) / 100,
    minimum_payment: payment,
    last_payment: payment,
    last_payment_date: dateOf(last),
    last_statement_balance: payment,
    next_due_date: dateOf(last + 30),
    overdue: 0,
  }
}

function monthlyTo(entries: readonly Entry[], detail: string): number {
  return Math.abs(entries.find(({ detailed }) => detailed.endsWith(detail))?.amount ?? 0)
}
