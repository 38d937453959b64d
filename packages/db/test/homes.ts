import { pathToFileURL } from 'node:url'
import { startPostgres, startS3Server, temporaryDirectory } from '@thaw/testing'
import type { Home } from './home.ts'

export async function fileHome(): Promise<Home> {
  const directory = await temporaryDirectory('thaw-db')
  let count = 0
  return {
    createUrl: async () => `sqlite:${directory.path}/${++count}.db`,
    env: {},
    close: directory.remove,
  }
}

export async function memoryHome(): Promise<Home> {
  return { createUrl: async () => 'sqlite::memory:', env: {}, close: async () => {} }
}

export async function folderHome(): Promise<Home> {
  const directory = await temporaryDirectory('thaw-db')
  let count = 0
  return {
    createUrl: async () => `sqlite+${pathToFileURL(`${directory.path}/${++count}`)}`,
    env: {},
    close: directory.remove,
  }
}

export async function s3Home(): Promise<Home> {
  const server = await startS3Server()
  let count = 0
  return {
    createUrl: async () => `sqlite+${server.urlOf(`database-${++count}`)}`,
    env: server.env,
    close: server.close,
  }
}

export async function postgresHome(): Promise<Home> {
  const server = await startPostgres()
  return { createUrl: server.createDatabase, env: {}, close: server.close }
}
