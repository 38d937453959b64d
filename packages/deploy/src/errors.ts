/** A place in the user's sources and what is wrong there. */
export interface SourceProblem {
  /** Relative to the project's root. */
  readonly file: string
  /** Counted from 1; null where the whole file is meant. */
  readonly line: number | null
  readonly column: number | null
  readonly message: string
}

/** The sources cannot be packaged. Nothing was written. */
export class BuildError extends Error {
  override readonly name = 'BuildError'
  readonly code = 'BUILD_FAILED'
  readonly problems: readonly SourceProblem[]

  constructor(problems: readonly SourceProblem[], options?: { readonly cause?: unknown }) {
    super(problems.map(describeProblem).join('\n'), options)
    this.problems = problems
  }
}

/** A package is larger than Lambda takes. Nothing was written. */
export class PackageTooLargeError extends Error {
  override readonly name = 'PackageTooLargeError'
  readonly code = 'PACKAGE_TOO_LARGE'
  readonly functionName: string
  readonly bytes: number
  readonly limitBytes: number

  constructor(functionName: string, bytes: number, limitBytes: number, message: string) {
    super(message)
    this.functionName = functionName
    this.bytes = bytes
    this.limitBytes = limitBytes
  }
}

/** No template can be made of this application and these options. Nothing was written. */
export class SynthError extends Error {
  override readonly name = 'SynthError'
  readonly code = 'SYNTH_FAILED'
}

function describeProblem({ file, line, column, message }: SourceProblem): string {
  const place = line === null ? file : column === null ? `${file}:${line}` : `${file}:${line}:${column}`
  return `${place}: ${message}`
}
