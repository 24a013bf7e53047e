// SPDX-License-Identifier: Apache-2.0

/// An address of the internet protocol: 4 or 16 bytes, as they are sent.
struct InternetAddress: Hashable, Sendable {
    let bytes: [UInt8]
    /// As people write it.
    let text: String
}

/// Which addresses a stranger may have this server talk to.
///
/// A project names the endpoint of its own storage. Were any address fine, it could have this server speak to whatever is reachable from here and
/// nowhere else: other services of this machine, of its network, or the metadata service that gives out a cloud machine's credentials.
public enum AddressPolicy: Hashable, Sendable {
    /// Only what is routed on the internet.
    case publicOnly
    /// Private networks and this machine, too. Addresses that never are a store's stay refused.
    case privateToo

    func allows(_ address: InternetAddress) -> Bool {
        switch address.bytes.count {
        case 4: allows(version4: address.bytes)
        case 16: allows(version6: address.bytes)
        default: false
        }
    }

    private func allows(version4 bytes: [UInt8]) -> Bool {
        if Self.neverStores4.contains(where: { $0.contains(bytes) }) { return false }
        return self == .privateToo || !Self.private4.contains { $0.contains(bytes) }
    }

    private func allows(version6 bytes: [UInt8]) -> Bool {
        if self == .privateToo, Self.private6.contains(where: { $0.contains(bytes) }) { return true }
        // The only block that is given out for the internet, without what stands for something else in it.
        return Self.global6.contains(bytes) && !Self.special6.contains { $0.contains(bytes) }
    }

    // IANA's registries of special-purpose addresses: RFC 6890, RFC 5737, RFC 6598, RFC 2544, RFC 7526.

    /// This network, link-local (the metadata services of clouds), multicast, reserved, and Azure's own services on each machine.
    private static let neverStores4 = [
        AddressBlock([0], 8), AddressBlock([169, 254], 16), AddressBlock([224], 4), AddressBlock([240], 4),
        AddressBlock([168, 63, 129, 16], 32),
    ]
    private static let private4 = [
        AddressBlock([10], 8), AddressBlock([100, 64], 10), AddressBlock([127], 8), AddressBlock([172, 16], 12),
        AddressBlock([192, 0, 0], 24), AddressBlock([192, 0, 2], 24), AddressBlock([192, 88, 99], 24),
        AddressBlock([192, 168], 16), AddressBlock([198, 18], 15), AddressBlock([198, 51, 100], 24),
        AddressBlock([203, 0, 113], 24),
    ]

    private static let global6 = AddressBlock([0x20], 3)
    /// Protocol assignments with Teredo and ORCHID, documentation, 6to4: the tunnels lead to addresses of version 4.
    private static let special6 = [
        AddressBlock([0x20, 0x01, 0x00], 23), AddressBlock([0x20, 0x01, 0x0D, 0xB8], 32), AddressBlock([0x20, 0x02], 16),
        AddressBlock([0x3F, 0xFF, 0x00], 20),
    ]
    /// Loopback and unique local addresses, but for the metadata service of Amazon's machines (fd00:ec2::254).
    private static let private6 = [
        AddressBlock([UInt8](repeating: 0, count: 15) + [1], 128), AddressBlock([0xFC], 7, without: [0xFD, 0x00, 0x0E, 0xC2]),
    ]
}

/// Addresses that begin with the same bits.
private struct AddressBlock: Sendable {
    let prefix: [UInt8]
    let bits: Int
    /// Whole bytes that exclude an address.
    let exception: [UInt8]

    init(_ prefix: [UInt8], _ bits: Int, without exception: [UInt8] = []) {
        self.prefix = prefix
        self.bits = bits
        self.exception = exception
    }

    func contains(_ address: [UInt8]) -> Bool {
        if !exception.isEmpty, address.starts(with: exception) { return false }
        for (index, byte) in prefix.enumerated() {
            let counted = min(8, bits - index * 8)
            guard counted > 0 else { break }
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> counted)
            guard address[index] & mask == byte & mask else { return false }
        }
        return true
    }
}
