import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, http, type LoadedApp, sqlite } from '@thaw/app'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { devEnvironment, hideSecrets } from './environment.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw test '))
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

const functions = { api: http('./api.ts') }
const withDatabase = defineApp({
  name: 'shop',
  functions,
  database: sqlite({ migrations: './migrations', seed: './data' }),
})
const withoutDatabase = defineApp({ name: 'shop', functions })

const load = (app: LoadedApp['app']): LoadedApp => ({ app, root, configFile: join(root, 'thaw.config.ts') })
const sources = { packaged: false }
const ENVIRONMENT = 'development'

test('a database without a URL gets a bucket in the project', () => {
  const environment = devEnvironment(load(withDatabase), {}, sources)
  const url = environment.DATABASE_URL ?? ''
  expect(url).toBe(`sqlite+file://${root.replaceAll(' ', '%20')}/.thaw/bucket/shop`)
  expect(environment).toEqual({
    ENVIRONMENT,
    DATABASE_URL: url,
    THAW_MIGRATIONS: join(root, 'migrations'),
    THAW_SEED: join(root, 'data'),
  })
})

test('under chaos it is a bucket of the local S3 server, without the credentials of the developer', () => {
  const developer = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-west-1' }
  const environment = devEnvironment(load(withDatabase), developer, { packaged: true, chaos: true })
  const DATABASE_URL = 'sqlite+s3://thaw-chaos/shop?forcePathStyle=true'
  expect(environment).toEqual({ ENVIRONMENT, DATABASE_URL })
  const own = { DATABASE_URL: 'postgres://host/db' }
  expect(devEnvironment(load(withDatabase), own, { packaged: true, chaos: true })).toMatchObject(own)
})

test('a package has its migrations and seed with it', () => {
  expect(Object.keys(devEnvironment(load(withDatabase), {}, { packaged: true }))).toEqual([
    'ENVIRONMENT',
    'DATABASE_URL',
  ])
})

test('without a database there is nothing, and nothing of the developer', () => {
  const developer = { HOME: '/home/x', AWS_ACCESS_KEY_ID: 'secret', GITHUB_TOKEN: 'secret' }
  expect(devEnvironment(load(withoutDatabase), developer, sources)).toEqual({ ENVIRONMENT })
})

test('.env goes to the functions; what the process says about its names wins', async () => {
  await writeFile(join(root, '.env'), `# comment\nDATABASE_URL="postgres://from-file/db"\nONE=1\nTWO='2 2'\n`)
  expect(devEnvironment(load(withoutDatabase), {}, sources)).toEqual({
    ENVIRONMENT,
    DATABASE_URL: 'postgres://from-file/db',
    ONE: '1',
    TWO: '2 2',
  })
  const developer = { DATABASE_URL: 'postgres://from-process/db', TWO: '3', THREE: '3' }
  expect(devEnvironment(load(withoutDatabase), developer, sources)).toEqual({
    ENVIRONMENT,
    DATABASE_URL: 'postgres://from-process/db',
    ONE: '1',
    TWO: '3',
  })
})

test('ENVIRONMENT is what the process says, else .env, else development', async () => {
  await writeFile(join(root, '.env'), 'ENVIRONMENT=staging\n')
  expect(devEnvironment(load(withoutDatabase), {}, sources)).toEqual({ ENVIRONMENT: 'staging' })
  const developer = { ENVIRONMENT: 'production' }
  expect(devEnvironment(load(withoutDatabase), developer, sources)).toEqual({ ENVIRONMENT: 'production' })
})

test('AWS credentials come along for a database on S3 only', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_PROFILE: 'p' }
  const onS3 = { DATABASE_URL: 'sqlite+s3://bucket/prefix', ...keys }
  expect(devEnvironment(load(withoutDatabase), onS3, sources)).toEqual({
    ENVIRONMENT,
    DATABASE_URL: 'sqlite+s3://bucket/prefix',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
  })
  const elsewhere = { DATABASE_URL: 'postgres://host/db', ...keys }
  expect(devEnvironment(load(withoutDatabase), elsewhere, sources)).toEqual({
    ENVIRONMENT,
    DATABASE_URL: 'postgres://host/db',
  })
})

test.each([
  [
    'postgres://user:hunter2@host:5432/db?sslmode=require',
    'postgres://user:***@host:5432/db?sslmode=require',
  ],
  [
    'sqlite+s3://bucket/a?endpoint=http://x&secretAccessKey=hunter2',
    'sqlite+s3://bucket/a?endpoint=http%3A%2F%2Fx&secretAccessKey=***',
  ],
  ['postgres://user:hunter2@[bad/db', 'postgres:…'],
  ['sqlite+file:///a%20b/c', 'sqlite+file:///a%20b/c'],
])('%s is shown without secrets', (url, shown) => {
  expect(hideSecrets(url)).toBe(shown)
})
