// unix-path-resolve 1.0.2
declare module 'unix-path-resolve' {
  /** Joins paths, and takes `.` and `..` out; the result is absolute. */
  export default function resolve(from: string, to?: string): string
}
