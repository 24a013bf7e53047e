// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes
import MediaCore
import Testing
import WireFormats

@testable import HTTPFrontends

struct OriginalSignatureTests {
    private static let secret = Array("secret".utf8)
    private static let now = Timestamp(seconds: 1_000)

    private static func signed(_ text: String, exp: String?, sig: String? = nil) -> OriginalSignature {
        let mac = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: secret))
        return OriginalSignature(
            project: "shop", asset: "img_1", file: "original.jpg", signature: sig ?? Hexadecimal.encode(mac), expiry: exp)
    }

    @Test func theSignatureCoversPathAndExpiry() throws {
        // Made with another implementation: printf 'shop/img_1/original.jpg?exp=2000' | openssl dgst -sha256 -hmac secret
        let signature = OriginalSignature(
            project: "shop", asset: "img_1", file: "original.jpg",
            signature: "cafd8172eb9d67014082aa633e5ff7966c0d5323b14f474168553e85bd5d69e3", expiry: "2000")

        #expect(try signature.verify(secret: Self.secret, at: Self.now) == Timestamp(seconds: 2000))
    }

    @Test(
        arguments: [
            ("shop/img_1/original.jpg?exp=2000", "2001"), ("/shop/img_1/original.jpg", "2000"),
            ("shop/img_2/original.jpg?exp=2000", "2000"),
            ("shop/img_1/original.png?exp=2000", "2000"), ("shop/img_1/original.jpg?exp=2000", "02000"),
            ("shop/img_1/original.jpg?exp=x", "x"), ("shop/img_1/original.jpg?exp=", ""),
            ("shop/img_1/original.jpg?exp=9999999999999999999", "9999999999999999999"),
        ])
    func anotherTextOrDateIsWrong(text: String, exp: String) {
        let error = #expect(throws: PixaultProblem.self) {
            try Self.signed(text, exp: exp).verify(secret: Self.secret, at: Self.now)
        }
        #expect(error?.status == .forbidden)
        #expect(error?.detail == "The signature is wrong")
    }

    @Test func anEndedOneIsRefused() {
        let error = #expect(throws: PixaultProblem.self) {
            try Self.signed("shop/img_1/original.jpg?exp=1000", exp: "1000").verify(secret: Self.secret, at: Self.now)
        }
        #expect(error?.detail == "The signature has expired")
    }

    @Test(arguments: [
        "", "00", String(repeating: "A", count: 64), String(repeating: "g", count: 64), String(repeating: "é", count: 32),
    ])
    func whatIsNoDigestIsWrong(sig: String) {
        let error = #expect(throws: PixaultProblem.self) {
            try Self.signed("", exp: "2000", sig: sig).verify(secret: Self.secret, at: Self.now)
        }
        #expect(error?.detail == "The signature is wrong")
    }

    @Test func withoutOneNothingIsGiven() {
        let signature = OriginalSignature(project: "shop", asset: "img_1", file: "original.jpg", signature: nil, expiry: "2000")

        let error = #expect(throws: PixaultProblem.self) { try signature.verify(secret: Self.secret, at: Self.now) }
        #expect(error?.status == .forbidden)
    }
}
