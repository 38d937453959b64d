import { defineApp, http } from '@thaw/app'

export default defineApp({
  name: 'streams',
  functions: { api: http('./src/api.ts', { front: 'function-url', stream: true }) },
})
