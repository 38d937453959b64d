let last = { second: Number.NaN, text: '' }

/** The time as API Gateway writes it: `12/Mar/2020:19:03:58 +0000`. */
export function formatTime(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== last.second) {
    const [, day, month, year, time] = new Date(ms).toUTCString().split(' ')
    last = { second, text: `${day}/${month}/${year}:${time} +0000` }
  }
  return last.text
}
