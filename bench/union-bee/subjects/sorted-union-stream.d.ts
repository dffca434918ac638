// sorted-union-stream 3.2.3
declare module 'sorted-union-stream' {
  export default class SortedUnionStream<T extends { key: string }> implements AsyncIterable<T> {
    constructor(left: AsyncIterable<T>, right: AsyncIterable<T>, options: { compare(a: T, b: T): number })

    [Symbol.asyncIterator](): AsyncIterator<T>
  }
}
