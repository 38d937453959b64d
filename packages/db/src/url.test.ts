import { expect, test } from 'vitest'
import { ConfigError } from './errors.ts'
import { parseUrl } from './url.ts'

const parse = (url: string | undefined) => parseUrl(url, '/work')

test.each([
  ['sqlite:./app.db', { kind: 'file', path: '/work/app.db', description: 'sqlite:/work/app.db' }],
  ['sqlite:app.db', { kind: 'file', path: '/work/app.db' }],
  ['sqlite:/data/my%20app.db', { kind: 'file', path: '/data/my app.db' }],
  ['SQLITE:/data/app.db', { kind: 'file', path: '/data/app.db' }],
  ['sqlite::memory:', { kind: 'file', path: ':memory:', description: 'sqlite::memory:' }],
  ['sqlite+memory:', { kind: 'bucket', storeUrl: 'memory:', description: 'sqlite+memory:' }],
  ['sqlite+file:///a/b', { kind: 'bucket', storeUrl: 'file:///a/b', description: 'sqlite+file:///a/b' }],
  [
    'sqlite+s3://bucket/a/b?endpoint=http://localhost:9000',
    {
      kind: 'bucket',
      engine: 'sqlite',
      storeUrl: 's3://bucket/a/b?endpoint=http://localhost:9000',
      description: 'sqlite+s3://bucket/a/b',
    },
  ],
  [
    'sqlite+s3://bucket/a?durability=invocation&region=eu-west-1',
    { storeUrl: 's3://bucket/a?region=eu-west-1', durability: 'invocation' },
  ],
  [
    'sqlite+s3://bucket/a?durability=write-behind&endpoint=http://localhost:9000&writes=3&interval=60',
    {
      storeUrl: 's3://bucket/a?endpoint=http://localhost:9000',
      durability: 'write-behind',
      writeBehind: { writes: 3, intervalMs: 60_000 },
    },
  ],
  ['sqlite+file:///a?durability=commit', { storeUrl: 'file:///a', durability: 'commit' }],
  [
    'sqlite+memory:?durability=write-behind&writes=off&interval=off',
    { storeUrl: 'memory:', writeBehind: { writes: null, intervalMs: null } },
  ],
  ['postgres://u:p@host:5433/name', { kind: 'postgres', description: 'postgres://host:5433/name' }],
  [
    'postgresql://u:p%40%2F@host/name?sslmode=require',
    { kind: 'postgres', engine: 'postgres', description: 'postgresql://host/name' },
  ],
])('%s', (url, expected) => {
  expect(parse(url)).toMatchObject(expected)
})

test.each([
  [undefined, /DATABASE_URL is not set.*sqlite:\.\/app\.db.*sqlite\+s3:.*postgres:/s],
  [' ', /DATABASE_URL is not set/],
  ['app.db', /does not begin with a scheme.*sqlite:\.\/app\.db/s],
  ['mysql://u:s3cret@host/db', /unknown scheme "mysql:".*sqlite:.*postgres:/s],
  ['duckdb+s3://bucket/prefix', /unknown scheme "duckdb\+s3:"/],
  [
    'sqlite+s3://s3cret@bucket/a?durability=later',
    /durability is 'later'; it is one of commit, invocation, write-behind/,
  ],
  ['sqlite+s3://bucket/a?durability=commit&durability=commit', /'durability' occurs twice/],
  ['sqlite+s3://bucket/a?durability=write-behind&writes=0', /writes is '0'; it is a whole number/],
  ['sqlite+s3://bucket/a?interval=5', /'interval' is for durability=write-behind/],
  ['sqlite:', /no file is named/],
  ['sqlite:///app.db', /two slashes/],
  ['sqlite:app.db?mode=ro', /takes no parameters/],
  ['sqlite:100%.db', /"%" is written %25/],
  ['postgres://u:s3cret/x@host:port/db', /is no URL.*percent-encoded/],
  ['postgres://u:s3cret@host', /postgres:\/\/host names no database/],
  ['postgres://u:p@host/db#s3cret', /postgres:\/\/host\/db: a "#"/],
])('%s is refused', (url, message) => {
  expect(() => parse(url)).toThrow(ConfigError)
  expect(() => parse(url)).toThrow(message)
  expect(() => parse(url)).not.toThrow(/s3cret/)
})
