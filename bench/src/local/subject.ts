export type Question = 'kill' | 'list'
export type Answer =
  | { readonly url: string; readonly isolation: string }
  | { readonly environments: readonly { readonly pid: number | null; readonly state: string }[] }
