import { expect, test } from 'vitest'
import { parseRules, parseVersioning } from './settings.ts'

test('rules are read in both forms that S3 answers with', () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Rule><ID>logs &amp; more</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>
    <Expiration><Days>30</Days></Expiration></Rule>
  <Rule><ID>tidy</ID><Filter/><Status>Enabled</Status>
    <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>
    <NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>
    <AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
  <Rule><ID>cold</ID><Prefix>app</Prefix><Status>Disabled</Status>
    <Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>
    <Transition><Days>90</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>
  <Rule><Filter><And><Prefix>a/b</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>
    <Status>Enabled</Status><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule>
</LifecycleConfiguration>`
  const none = { enabled: true, prefix: '', expires: false, expiresNoncurrent: false, movesTo: [] }
  expect(parseRules(xml)).toEqual([
    { ...none, id: 'logs & more', prefix: 'logs/', expires: true },
    { ...none, id: 'tidy', expiresNoncurrent: true },
    { ...none, id: 'cold', enabled: false, prefix: 'app', movesTo: ['STANDARD_IA', 'GLACIER'] },
    { ...none, id: 'rule 4', prefix: 'a/b', expires: true },
  ])
  expect(parseRules('')).toEqual([])
})

test('a bucket that never had versions says nothing of them', () => {
  const answer = (inside: string) => `<VersioningConfiguration xmlns="x">${inside}</VersioningConfiguration>`
  expect(parseVersioning(answer(''))).toBe('off')
  expect(parseVersioning(answer('<Status>Enabled</Status>'))).toBe('enabled')
  expect(parseVersioning(answer('<Status>Suspended</Status>'))).toBe('suspended')
})
