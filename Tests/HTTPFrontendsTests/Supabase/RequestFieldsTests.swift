// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTPFrontends

struct RequestFieldsTests {
    private func fields(_ json: String) throws -> RequestFields { try RequestFields(body: Array(json.utf8)) }

    @Test func numbersAndBooleansMayComeAsText() throws {
        let body = try fields(#"{"expiresIn":"60","public":"true","limit":5,"name":7}"#)

        #expect(try body.integer("expiresIn", minimum: 1) == 60)
        #expect(try body.bool("public") == true)
        #expect(try body.integer("limit", minimum: 1) == 5)
        #expect(try body.string("name") == "7")
    }

    @Test(arguments: [
        (#"{"limit":0}"#, "body/limit must be >= 1"), (#"{"limit":1.5}"#, "body/limit must be integer"),
        (#"{"limit":"many"}"#, "body/limit must be integer"), (#"{"limit":1e21}"#, "body/limit must be integer"),
        (#"{"limit":[]}"#, "body/limit must be integer"),
    ])
    func aBadIntegerIsNamed(json: String, message: String) throws {
        let body = try fields(json)

        #expect { try body.integer("limit", minimum: 1) } throws: { ($0 as? SupabaseError)?.message == message }
    }

    @Test(arguments: ["", "{", "nonsense", "{\"a\":}", "\u{0}", String(repeating: "[", count: 100_000)])
    func malformedJSONIsRefused(json: String) {
        #expect { try fields(json) } throws: { ($0 as? SupabaseError)?.statusCode == 400 }
    }

    @Test(arguments: ["[]", "null", "5", "\"text\""])
    func aBodyMustBeAnObject(json: String) {
        #expect { try fields(json) } throws: { ($0 as? SupabaseError)?.message == "body must be object" }
    }

    @Test func findsTextThatTheDatabaseCannotHold() throws {
        #expect(RequestValue.object(try fields(#"{"a":[{"b":"x\u0000"}]}"#).fields).containsNUL)
        #expect(!RequestValue.object(try fields(#"{"a":[{"b":"x"}]}"#).fields).containsNUL)
    }
}
