import { defineApp, http } from '@thaw/app'

export default defineApp({
  name: 'bench',
  functions: { hello: http('./src/hello.mjs', { route: 'GET /hello' }) },
})
