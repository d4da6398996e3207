// Tells for each line of standard input, a JSON array of DTDL interfaces, whether the official parser accepts it.
// Usage: node dtdl_judge.mjs <folder of the npm package @digicatapult/dtdl-parser>
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

const entry = path.join(process.argv[2], 'build', 'index.js')
const { getInterop } = await import(pathToFileURL(entry).href)
const parser = await getInterop()
for await (const line of createInterface({ input: process.stdin })) {
  let verdict
  try {
    parser.parse(line)
    verdict = { accepted: true, why: '' }
  } catch (error) {
    verdict = { accepted: false, why: String(error.message ?? error) }
  }
  process.stdout.write(JSON.stringify(verdict) + '\n')
}
