/** One thing that is wrong with an application. */
export interface Problem {
  /** Where: `functions.api.memory`, or a file. */
  readonly at: string
  /** What is wrong and what to do. */
  readonly message: string
}

export type ConfigErrorCode =
  /** The definition itself is wrong; every problem is in `problems`. */
  | 'CONFIG_INVALID'
  /** There is no configuration file, or more than one. */
  | 'CONFIG_NOT_FOUND'
  /** The configuration file cannot be run; the reason is the `cause`. */
  | 'CONFIG_FAILED'
  /** The configuration file does not export an application. */
  | 'CONFIG_NO_APP'
  /** A file or folder that the configuration names is not there. */
  | 'CONFIG_FILE_MISSING'

/** The application's definition cannot be used. Nothing was changed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code: ConfigErrorCode
  readonly problems: readonly Problem[]
  /** The configuration file, once it is known. */
  readonly file: string | null

  constructor(
    code: ConfigErrorCode,
    problems: readonly Problem[],
    options: { readonly file?: string; readonly cause?: unknown } = {},
  ) {
    super(describe(problems, options.file), 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.problems = problems
    this.file = options.file ?? null
  }
}

function describe(problems: readonly Problem[], file: string | undefined): string {
  const lines = problems.map((problem) => `${problem.at}: ${problem.message}`)
  const where = file === undefined ? '' : ` in ${file}`
  if (lines.length === 1 && file === undefined) return lines[0] ?? ''
  const count = lines.length === 1 ? 'One problem' : `${lines.length} problems`
  return [`${count}${where}:`, ...lines.map((line) => `  - ${line}`)].join('\n')
}
