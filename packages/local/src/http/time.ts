/** The time as API Gateway writes it: `12/Mar/2020:19:03:58 +0000`. */
export function formatTime(ms: number): string {
  const [, day, month, year, time] = new Date(ms).toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}
