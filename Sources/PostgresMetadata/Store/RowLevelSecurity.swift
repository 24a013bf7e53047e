// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What Postgres sees of a request: the settings that Supabase Storage makes, which policies read.
extension PostgresMetadataStore {
    /// As the caller: policies decide.
    func scope(_ caller: Caller) -> Scope {
        scope(caller.principal, caller.facts, isQuiet: !configuration.announcesOwnWrites)
    }

    /// As the caller in a transaction that will be rolled back and has nothing to announce.
    func dryRunScope(_ caller: Caller) -> Scope {
        scope(caller.principal, caller.facts, isQuiet: true, isDryRun: true)
    }

    /// As the service role, on behalf of a request: row-level security does not bind it.
    func system(_ facts: RequestFacts) -> Scope {
        scope(configuration.service, facts, isQuiet: !configuration.announcesOwnWrites)
    }

    /// As the service role, waiting for locks no longer than an upload is worth.
    func lockingSystem(_ facts: RequestFacts) -> Scope {
        let scope = system(facts)
        return Scope(role: scope.role, settings: scope.settings + [("lock_timeout", "5s")])
    }

    /// The same scope in which what is written is told to everybody.
    func announcing(_ scope: Scope) -> Scope {
        Scope(role: scope.role, settings: scope.settings + [("magpie.quiet", "off")])
    }

    /// The same scope in which a versioned bucket keeps nothing of what is deleted.
    func forgetting(_ scope: Scope) -> Scope {
        Scope(role: scope.role, settings: scope.settings + [("magpie.forget", "on")])
    }

    /// The same scope in which what is written comes from there.
    func writing(_ origin: NewObject.Origin, in scope: Scope) -> Scope {
        guard configuration.recordsEvents else { return scope }
        return Scope(role: scope.role, settings: scope.settings + [("magpie.origin", origin.rawValue)])
    }

    /// What the triggers of `magpie.events` need to know. Nothing at all where nobody wants events.
    private func eventSettings(_ facts: RequestFacts, isDryRun: Bool) -> [(name: String, value: String)] {
        guard configuration.recordsEvents else { return [] }
        return [
            ("magpie.events", isDryRun ? "off" : "on"),
            ("magpie.request_id", facts.requestID),
            ("magpie.caller_request_id", facts.callerRequestID ?? ""),
            ("magpie.upload_type", facts.operation.uploadType.rawValue),
        ]
    }

    // What is taken back needs no row of an asset. The setting is taken back with the rest, so other scopes need not name it.
    private static let trial = [(name: "magpie.trial", value: "on")]

    private func scope(_ principal: Principal, _ facts: RequestFacts, isQuiet: Bool, isDryRun: Bool = false) -> Scope {
        Scope(
            role: principal.role,
            settings: [
                ("request.jwt.claim.role", principal.role),
                ("request.jwt", principal.token),
                ("request.jwt.claim.sub", principal.subject ?? ""),
                ("request.jwt.claims", principal.claims.rawValue),
                ("request.headers", facts.headersAsJSON),
                ("request.method", facts.method),
                ("request.path", facts.path),
                ("storage.operation", facts.operation.rawValue),
                ("storage.allow_delete_query", "true"),
                ("magpie.quiet", isQuiet ? "on" : "off"),
            ] + (isDryRun ? Self.trial : []) + eventSettings(facts, isDryRun: isDryRun))
    }
}

extension RequestFacts {
    /// The server's own work.
    static let upkeep = RequestFacts(operation: .upkeep)

    /// One member a name; RFC 9110 §5.3 lets fields of one name be joined with a comma.
    fileprivate var headersAsJSON: String {
        var names: [String] = []
        var values: [String: String] = [:]
        for (name, value) in headers {
            if let earlier = values[name] {
                values[name] = earlier + ", " + value
            } else {
                names.append(name)
                values[name] = value
            }
        }
        return JSONWriter.object { writer in
            for name in names { writer.field(name, values[name]) }
        }
    }
}
