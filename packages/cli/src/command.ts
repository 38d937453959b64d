/** Where a command prints. `out` is for results, `err` for everything said about them. One line a call. */
export interface Io {
  out(line: string): void
  err(line: string): void
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Absolute. Relative paths of the command line start here. */
  readonly directory: string
}

/** What the user gave, by the name of the option: a text, true for a flag, nothing when absent. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** An option as `parseArgs` takes it, and what `--help` says about it. */
export interface CommandOption {
  readonly type: 'string' | 'boolean'
  /** One letter: `-p`. */
  readonly short?: string
  /** One line, without a full stop. */
  readonly help: string
  /** Names the value in `--help`: `DIR`. */
  readonly value?: string
}

/** One command of `thaw`. Each lives in a file of its own, which is loaded only to run it. */
export interface Command {
  /** One line, without a full stop. */
  readonly summary: string
  /** `thaw build [DIR] [--out DIR]`. */
  readonly usage: string
  /** Beside `--help` and `--verbose`, which every command has (`values.verbose` tells). */
  readonly options: Readonly<Record<string, CommandOption>>
  /** How many positional arguments there are at most; 1 when absent. */
  readonly maxPositionals?: number
  /**
   * Ends the process with what it resolves to, 0 when that is nothing. Throws `UsageError` for a wrong call;
   * whatever else it throws is shown and ends the process with 1.
   */
  run(positionals: readonly string[], values: Values, io: Io): Promise<number | undefined>
}

/** Commands under one name: `thaw db status`. */
export interface CommandGroup {
  readonly summary: string
  /** `thaw db COMMAND [OPTIONS]`. */
  readonly usage: string
  readonly commands: CommandTable
}

/** A command and how to load it: nothing of a command is loaded until it runs. */
export interface CommandEntry {
  readonly summary: string
  load(): Promise<Command | CommandGroup>
}

export type CommandTable = Readonly<Record<string, CommandEntry>>

/** The text that was given for an option, or null. */
export function textValue(values: Values, name: string): string | null {
  const value = values[name]
  return typeof value === 'string' ? value : null
}
