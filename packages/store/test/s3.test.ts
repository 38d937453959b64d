import { startS3Server } from '@thaw/testing'
import { expect, test } from 'vitest'
import { openStore } from '../src/index.ts'
import { storeContract } from './contract.ts'
import { raceOfProcesses } from './race.ts'

// THAW_TEST_S3_URL runs the contract against another server, with the credentials of the environment.
const elsewhere = process.env.THAW_TEST_S3_URL

storeContract('s3', async () => {
  if (elsewhere) {
    const store = openStore(elsewhere)
    return { store, close: () => store.close() }
  }
  const server = await startS3Server()
  const store = openStore(server.urlOf('some/prefix'), server.env)
  return {
    store,
    async close() {
      await store.close()
      await server.close()
    },
  }
})

test('of several processes that create one name, exactly one succeeds', async () => {
  const server = elsewhere ? null : await startS3Server()
  try {
    await raceOfProcesses(server?.urlOf('race') ?? elsewhere ?? '', server?.env)
  } finally {
    await server?.close()
  }
})

test('the race would be noticed: a store without conditions lets several win', async () => {
  const server = await startS3Server({ ignoreConditions: true })
  try {
    await expect(raceOfProcesses(server.urlOf('race'), server.env)).rejects.toThrow('expected')
  } finally {
    await server.close()
  }
})
