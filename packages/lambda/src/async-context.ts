// Not by import, which takes longer than all that it is wanted for.
export const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
