/** The same object with other members. */
export function altered<T extends object>(object: T, changes: object): T {
  return Object.assign(Object.create(object) as T, changes)
}
