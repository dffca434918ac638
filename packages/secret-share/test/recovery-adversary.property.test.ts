// PROTOCOL.md's model: the channel is the adversary's, the voices are not. He delivers what he likes, to whom and when he likes, makes up messages of
// what he has seen, runs meetings of his own, and apps end at any time; the owner and Ann only read out and type what their apps ask for.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  Recovery,
  RecoveryHelp,
  sealShare,
  SecretShareError,
  type RecoveryAsk,
  type Share
} from '../src/index.ts'
import { signKeyPair } from '../src/crypto/crypto.ts'
import { KIND, kindOf, wrap } from '../src/format/wire.ts'
import { decodeRequest, encodeHelp, encodeReply, transcriptOf } from '../src/recovery/messages.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const [share] = sharesOf(deal(bytesOf(32, 1))) as [Share]
const [lie] = sharesOf(deal(bytesOf(32, 2))) as [Share]
const thief = signKeyPair(bytesOf(32, 3))

type Which = 'device' | 'friend' | 'hisDevice' | 'hisFriend'
type Move =
  | { do: 'deliver'; message: number; to: Which }
  | {
      do:
        | 'begin'
        | 'approve'
        | 'confirm'
        | 'hisBegin'
        | 'hisApprove'
        | 'endDevice'
        | 'endFriend'
        | 'onward'
        | 'hisOnward'
    }
  | { do: 'change'; message: number; at: number }
  | { do: 'reply' }
  | { do: 'help'; request: number; reply: number; reveal: number }

/** All that there is, and every message that was ever sent. */
class World {
  #recovery = new Recovery({ label: 'Ada’s cloud' })
  readonly #his = new Recovery({ label: 'Ada’s cloud' })
  #device: RecoveryAsk = this.#recovery.ask('Ann')
  #friend = new RecoveryHelp()
  readonly hisDevice: RecoveryAsk = this.#his.ask('Ann')
  readonly #hisFriend = new RecoveryHelp()
  readonly #seen: Uint8Array[] = [this.#device.hello(), this.hisDevice.hello()]

  get device(): RecoveryAsk {
    return this.#device
  }

  get friend(): RecoveryHelp {
    return this.#friend
  }

  /** What a side refuses, it refuses. */
  move(move: Move): void {
    try {
      const sent = this.#try(move)
      if (sent) this.#seen.push(sent)
    } catch (error) {
      if (!(error instanceof SecretShareError)) throw error
    }
  }

  #try(move: Move): Uint8Array | null {
    switch (move.do) {
      case 'deliver':
        return this.#party(move.to).receive(this.#message(move.message))
      case 'onward':
        return this.#onward(this.#friend)
      case 'hisOnward':
        return this.#onward(this.#hisFriend)
      case 'begin':
        return this.#friend.begin()
      case 'approve':
        return this.#device.code && this.#friend.approve(share, this.#device.code.words)
      case 'confirm':
        if (this.#friend.code) this.#device.confirm(this.#friend.code.numbers)
        return null
      case 'hisBegin':
        return this.#hisFriend.begin()
      case 'hisApprove':
        return this.#hisFriend.approve(lie, (this.#device.code ?? this.hisDevice.code)?.words ?? '')
      case 'endDevice':
        return this.#endDevice()
      case 'endFriend':
        this.#friend = RecoveryHelp.fromBytes(this.#friend.toBytes())
        return null
      case 'change':
        return this.#changed(move)
      case 'reply':
        return this.#device.receive(encodeReply({ nonce: bytesOf(32, 4), key: thief.publicKey }))
      default:
        return this.#device.receive(this.#counterfeit(move))
    }
  }

  #party(which: Which): RecoveryAsk | RecoveryHelp {
    const { device, friend, hisDevice } = this
    return { device, friend, hisDevice, hisFriend: this.#hisFriend }[which]
  }

  /** From the end, since what is new matters most. */
  #message(number: number, kind?: number): Uint8Array {
    const some = kind === undefined ? this.#seen : this.#seen.filter((message) => kindOf(message) === kind)
    return some.at(-1 - (number % some.length)) ?? new Uint8Array(0)
  }

  /** For once the channel does what it is for, with Ann or with him in her place. */
  #onward(friend: RecoveryHelp): null {
    let toFriend: Uint8Array | null = this.#device.hello()
    while (toFriend !== null) {
      this.#seen.push(toFriend)
      const toDevice: Uint8Array | null = friend.receive(toFriend)
      if (toDevice) this.#seen.push(toDevice)
      toFriend = toDevice && this.#device.receive(toDevice)
    }
    return null
  }

  /** Goes on with what was saved, or asks again. */
  #endDevice(): Uint8Array {
    this.#recovery = Recovery.fromBytes(this.#recovery.toBytes())
    this.#device = this.#recovery.asked[0]?.ask ?? this.#recovery.ask('Ann')
    return this.#device.hello()
  }

  #changed({ message, at }: { message: number; at: number }): Uint8Array {
    const bytes = this.#message(message)
    const body = bytes.slice(2, -4)
    body[at % body.length] = (body[at % body.length] ?? 0) ^ 1
    return wrap(kindOf(bytes) as (typeof KIND)['help'], body)
  }

  #counterfeit({ request, reply, reveal }: { request: number; reply: number; reveal: number }): Uint8Array {
    const asked = this.#message(request, KIND.request)
    const sealed = sealShare(lie, decodeRequest(asked).sealTo)
    const transcript = transcriptOf(
      asked,
      this.#message(reply, KIND.reply),
      this.#message(reveal, KIND.reveal)
    )
    return encodeHelp({ sealed, sheet: null }, transcript, thief.secretKey)
  }
}

const recent = fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(30) })
const people = fc.constantFrom('begin' as const, 'approve' as const, 'confirm' as const)
const others = fc.constantFrom(
  'hisOnward' as const,
  'hisBegin' as const,
  'hisApprove' as const,
  'endDevice' as const,
  'endFriend' as const
)
const parties = fc.constantFrom<Which>('device', 'friend', 'hisDevice', 'hisFriend')
const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('deliver' as const), message: recent, to: parties })
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('onward' as const) }) },
    { weight: 6, arbitrary: fc.record({ do: people }) },
    { weight: 2, arbitrary: fc.record({ do: others }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('change' as const), message: recent, at: fc.nat(400) })
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reply' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('help' as const),
        request: recent,
        reply: recent,
        reveal: recent
      })
    }
  ),
  { minLength: 40, maxLength: 120 }
)

test('whatever is done with the messages, no share but Ann’s counts, and Ann’s goes to no other device', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(moves, (list) => {
      const world = new World()
      for (const move of list) world.move(move)
      const { device, friend, hisDevice } = world
      expect(device.share === null || Buffer.compare(device.share.toBytes(), share.toBytes()) === 0).toBe(
        true
      )
      // He hears all that is said; if Ann had sent to his device, a code of hers would be right there.
      for (const code of [friend.code, device.code]) {
        try {
          hisDevice.confirm(code?.words ?? '')
          seen.add('HE READS ALONG')
        } catch (error) {
          if (!(error instanceof SecretShareError)) throw error
        }
      }
      seen.add(device.share ? 'came' : device.arrived ? 'arrived' : device.code ? 'compared' : 'asked')
      if (hisDevice.code) seen.add('he has a code')
    }),
    { numRuns: 400 }
  )
  expect([...seen]).toContain('came')
  expect([...seen]).toContain('he has a code')
  expect([...seen]).not.toContain('HE READS ALONG')
})
