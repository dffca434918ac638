import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { collect } from '@cloudpal/test-kit'
import { storeOf } from '../src/cli/arguments.ts'

test('the url of a public bucket is a store that lists what is in it', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('<ListBucketResult ></ListBucketResult>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`
  for (const word of [url, `${url}/`, `${url}?prefix=deep/er/`])
    expect(await collect((await storeOf(word)).list('l/'))).toEqual([])
  const page = (prefix: string): string => `/bucket/?list-type=2&prefix=${prefix}&max-keys=1000`
  expect(asked).toEqual([page('l%2F'), page('l%2F'), page('deep%2Fer%2Fl%2F')])
})
