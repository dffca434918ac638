/** Whether it is a port that can be dialled. */
export function isPort(port: unknown): boolean {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535
}
