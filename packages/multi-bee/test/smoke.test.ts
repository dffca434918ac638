import { expect, test } from 'vitest'
import { tmpStore, replicate, until, collect } from '@cloudpal/test-kit'
import { MultiBee } from '../src/index.ts'

test('two devices', async () => {
  const a = new MultiBee(await tmpStore(), { name: 'a' })
  await a.ready()
  await a.put('contacts/ada', { name: 'Ada', phone: '1' })
  expect((await a.get('contacts/ada'))?.value).toEqual({ name: 'Ada', phone: '1' })
  const b = new MultiBee(await tmpStore(), { name: 'b', key: a.key!, encryptionKey: a.encryptionKey })
  await b.ready()
  await a.addWriter(b.writerKey!, { name: 'b' })
  replicate(a, b)
  await until(() => b.writable)
  expect((await b.get('contacts/ada'))?.value).toEqual({ name: 'Ada', phone: '1' })
  await Promise.all([a.put('contacts/ada', { name: 'Ada', phone: '2' }), b.put('contacts/ada', { name: 'Ada L', phone: '1' })])
  await until(async () => ((await a.get('contacts/ada'))?.value as any).name === 'Ada L')
  await until(async () => ((await b.get('contacts/ada'))?.value as any).phone === '2')
  console.log(await collect(a.createReadStream()), await a.status())
  await a.close(); await b.close()
})
