/** What went wrong, and what of the system was behind it: a file that is not there is another thing than one that this user may not read. */
export function wholeMessage({ message, cause }: Error): string {
  const reason = cause instanceof Error ? cause.message : ''
  return message.includes(reason) ? message : `${message} (${reason})`
}
