/** What a process writes its lines to. */
export interface LineStream {
  /** Bytes that wait for who reads. */
  readonly writableLength: number
  write(text: string): unknown
}

const MOST_UNREAD_BYTES = 1024 * 1024

/** Writes lines, and leaves out what comes while more than 1 MiB is unread: who reads a log may stand still and never close it. */
export function lineWriter(stream: LineStream): (line: string) => void {
  return (line) => {
    if (stream.writableLength <= MOST_UNREAD_BYTES) stream.write(`${line}\n`)
  }
}
