// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import BlobStores

struct AddressPolicyTests {
    private static let routed = [
        "1.1.1.1", "8.8.8.8", "52.218.0.1", "99.255.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1",
        "198.17.0.1", "198.20.0.1", "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1",
    ]
    private static let privates = [
        "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "172.16.0.1",
        "172.31.255.255", "192.0.0.192", "192.168.0.1", "198.18.0.1", "::1", "fc00::1", "fd12:3456::1",
    ]
    private static let never = [
        "0.0.0.0", "0.1.2.3", "169.254.169.254", "168.63.129.16", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::", "::2", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "fe80::1",
        "fec0::1", "ff02::1", "2001:0:1:2:3:4:5:6", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fd00:ec2::254",
        "100::1", "5f00::1", "4000::1",
    ]

    private func address(_ text: String) async throws -> InternetAddress {
        try #require(try await SystemResolver.resolve(text).first)
    }

    @Test func strangersReachTheInternetAndNothingElse() async throws {
        for text in Self.routed { #expect(AddressPolicy.publicOnly.allows(try await address(text)), "\(text)") }
        for text in Self.privates + Self.never { #expect(!AddressPolicy.publicOnly.allows(try await address(text)), "\(text)") }
    }

    @Test func whoMayReachPrivateNetworksStillReachesNoMetadataService() async throws {
        for text in Self.routed + Self.privates { #expect(AddressPolicy.privateToo.allows(try await address(text)), "\(text)") }
        for text in Self.never { #expect(!AddressPolicy.privateToo.allows(try await address(text)), "\(text)") }
    }

    @Test(arguments: ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
    func otherSpellingsAreTheAddressesThatTheyAre(_ text: String) async throws {
        let guarding = EndpointGuard(policy: .publicOnly)

        #expect(await errorCode { _ = try await guarding.addresses(of: [text]) } == .invalidParameter)
    }

    @Test func aNameWithOnePrivateAddressIsRefused() async throws {
        let (good, bad) = (try await address("8.8.8.8"), try await address("10.0.0.1"))
        let guarding = EndpointGuard(policy: .publicOnly) { host in host == "mixed" ? [good, bad] : [good] }

        #expect(await errorCode { _ = try await guarding.addresses(of: ["fine", "mixed"]) } == .invalidParameter)
        #expect(try await guarding.addresses(of: ["fine"]) == ["fine": "8.8.8.8"])
    }

    @Test func aNameWithoutAnAddressIsNoStore() async throws {
        let guarding = EndpointGuard(policy: .publicOnly) { _ in [] }

        #expect(await errorCode { _ = try await guarding.addresses(of: ["nowhere"]) } == .backendUnavailable)
        let asking = EndpointGuard(policy: .publicOnly)
        #expect(await errorCode { _ = try await asking.addresses(of: ["nowhere.invalid"]) } == .backendUnavailable)
    }

    @Test func secretsDoNotGoOverTheInternetAsTheyAre() throws {
        let (plain, secret) = (
            try #require(ServiceEndpoint("http://s3.example.com")), try #require(ServiceEndpoint("https://s3.example.com"))
        )

        #expect(throws: StorageError.self) { try EndpointGuard(policy: .publicOnly).requireSecrecy(of: plain) }
        try EndpointGuard(policy: .publicOnly).requireSecrecy(of: secret)
        try EndpointGuard(policy: .privateToo).requireSecrecy(of: plain)
    }
}
