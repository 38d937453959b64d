/**
 * The multipart form of `form`, as browsers write it, and its content type.
 * https://html.spec.whatwg.org/#multipart-form-data
 */
export function encodeForm(form: FormData): { blob: Blob; type: string } {
  const boundary = `----formdata-${crypto.randomUUID()}`
  const parts: (string | Blob)[] = []
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(withBreaks(name))}"`
    if (typeof value === 'string') {
      parts.push(`${head}\r\n\r\n${withBreaks(value)}\r\n`)
    } else {
      const type = value.type || 'application/octet-stream'
      parts.push(
        `${head}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`,
        value,
        '\r\n',
      )
    }
  }
  parts.push(`--${boundary}--\r\n`)
  return { blob: new Blob(parts), type: `multipart/form-data; boundary=${boundary}` }
}

function withBreaks(text: string): string {
  return text.replace(/\r?\n|\r/g, '\r\n')
}

function escapeName(name: string): string {
  return name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22')
}
