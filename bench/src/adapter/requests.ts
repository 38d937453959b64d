/** The headers of a browser's request behind a front, in number and length as they are seen. */
export const browserHeaders: [name: string, value: string][] = [
  ['Host', 'api.example.com'],
  ['Accept', 'application/json, text/plain, */*'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Authorization', `Bearer ${'e'.repeat(300)}`],
  ['Cookie', 'session=0123456789abcdef0123456789abcdef; theme=dark'],
  ['Origin', 'https://app.example.com'],
  ['Referer', 'https://app.example.com/'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0'],
  ['X-Amzn-Trace-Id', 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e'],
  ['X-Forwarded-For', '192.0.2.7'],
  ['X-Forwarded-Port', '443'],
  ['X-Forwarded-Proto', 'https'],
]
