import { mkdir, realpath, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Lambda's runtime brings the AWS SDK, and packages leave it out: the one that is installed for the project is shown to
 * what is unpacked below `directory`. Gives the folders that are read then; none when there is no SDK.
 */
export async function provideAwsSdk(root: string, directory: string): Promise<readonly string[]> {
  const installed = await findAwsSdk(root)
  if (installed === null) return []
  const link = join(directory, 'node_modules', '@aws-sdk')
  await mkdir(dirname(link), { recursive: true })
  await symlink(installed, link)
  return [dirname(link), installed]
}

async function findAwsSdk(from: string): Promise<string | null> {
  const found = await realpath(join(from, 'node_modules', '@aws-sdk')).catch(() => null)
  if (found !== null || dirname(from) === from) return found
  return await findAwsSdk(dirname(from))
}
