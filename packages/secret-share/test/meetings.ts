import { Recovery, RecoveryHelp, SecretShareError, type RecoveryAsk, type Share } from '../src/index.ts'

export interface Meeting {
  readonly ask: RecoveryAsk
  readonly help: RecoveryHelp
  /** All that was sent, in order. */
  readonly request: Uint8Array
  readonly reply: Uint8Array
  readonly reveal: Uint8Array
}

/** Brings two sides to where the owner reads their code to the friend. */
export function meeting(recovery: Recovery = new Recovery({ label: 'Ada’s cloud' }), name = 'Ann'): Meeting {
  const [ask, help] = [recovery.ask(name), new RecoveryHelp()]
  const request = ask.hello()
  if (help.receive(request) !== null) throw new Error('an answer that nobody has agreed to')
  const reply = help.begin()
  const reveal = ask.receive(reply)
  if (reveal === null || help.receive(reveal) !== null) throw new Error('no meeting')
  return { ask, help, request, reply, reveal }
}

/** What the owner reads out, in words. */
export const spoken = ({ code }: { readonly code: { readonly words: string } | null }): string =>
  code?.words ?? 'no code'

/** A whole meeting with a friend who may send anything; whoever carries the messages may change the last one. */
export function given(
  recovery: Recovery,
  name: string,
  share: Share,
  change: (help: Uint8Array, meeting: Meeting) => Uint8Array = (help) => help
): RecoveryAsk {
  const met = meeting(recovery, name)
  const sent = met.help.approve(share, spoken(met.ask), undefined, { otherLabel: true })
  try {
    met.ask.receive(change(sent, met))
  } catch (error) {
    if (!(error instanceof SecretShareError)) throw error
  }
  met.ask.confirm(spoken(met.help))
  return met.ask
}

/** What a call throws: the error, or this fails. */
export function failure(run: () => unknown): SecretShareError {
  try {
    run()
  } catch (error) {
    if (error instanceof SecretShareError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
