export function bloomOf(keys: readonly string[]): { has(key: string): boolean }
