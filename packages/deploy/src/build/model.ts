/** What one package brings into a bundle. */
export interface DependencySize {
  readonly name: string
  /** Minified, before compression. */
  readonly bytes: number
}

/** A packaged function: everything that runs it, without the project. */
export interface BuiltFunction {
  readonly name: string
  /** Absolute path of the zip. */
  readonly zip: string
  /** Absolute path of the folder of its source maps, which are not in the zip. */
  readonly sourceMaps: string
  /** Of the zip's bytes, in hexadecimal. The same sources give the same one, wherever they lie. */
  readonly sha256: string
  readonly bytes: number
  readonly unzippedBytes: number
  /** As Lambda names it: file and export, `index.handler`. */
  readonly handler: string
  /** The function's variables, with the places of migrations and seed inside of the zip. */
  readonly environment: Readonly<Record<string, string>>
  /** The largest first. The application's own code goes under its name. */
  readonly dependencies: readonly DependencySize[]
}

export interface BuildResult {
  readonly functions: readonly BuiltFunction[]
  /** The function that looks after the database; null where none is wanted. */
  readonly maintenance: BuiltFunction | null
  /** What the bundler found odd but possible, as `file:line:column: message`. */
  readonly warnings: readonly string[]
}

/** What Lambda takes. */
export interface PackageLimits {
  readonly zippedBytes: number
  readonly unzippedBytes: number
}
