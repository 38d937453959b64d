const GIVEN = [
  'Ada',
  'Ben',
  'Cleo',
  'Dov',
  'Eszter',
  'Farid',
  'Gunnar',
  'Hana',
  'Ivo',
  'Jún',
  'Kwame',
  'Lía',
  'Marek',
  'Noor',
  'Oskar',
  'Pia',
  'Quinn',
  'Rosa',
  'Søren',
  'Tala',
  'Uma',
  'Viggo',
  'Wren',
  'Ximena',
  'Yuki',
]
const FAMILY = ['Sampleton', 'Mockley', 'Placeholder']

/** A name that nobody bears, a different one for each of 75. */
export function personName(index: number): string {
  const given = GIVEN[index % GIVEN.length]
  const family = FAMILY[Math.floor(index / GIVEN.length)]
  if (given === undefined || family === undefined) {
    throw new RangeError(`no name for user ${index}; there are ${GIVEN.length * FAMILY.length}`)
  }
  return `${given} ${family}`
}
