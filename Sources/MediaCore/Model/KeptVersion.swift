// SPDX-License-Identifier: Apache-2.0

/// A version that is no longer current and the bytes that it keeps, for upkeep.
public struct KeptVersion: Hashable, Sendable {
    /// Its place among all kept versions: the higher, the later it ceased to be current.
    public var sequence: Int64
    public var address: ObjectAddress
    public var id: VersionID
    /// Nil when nothing says where its bytes are.
    public var blob: BlobLocation?

    public init(sequence: Int64, address: ObjectAddress, id: VersionID, blob: BlobLocation?) {
        self.sequence = sequence
        self.address = address
        self.id = id
        self.blob = blob
    }
}
