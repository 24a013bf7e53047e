// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The body of a webhook, as Supabase Storage sends it.
struct WebhookBody {
    /// The region that events name.
    var region: String
    /// Who sends: the one tenant of this server, and the host that its clients know.
    var tenant: (reference: String, host: String)

    /// The JSON of an event.
    func text(of event: StorageEvent, sentAt date: Timestamp) -> String {
        JSONWriter.object { writer in
            writer.field("type", "Webhook")
            writer.key("event")
            writer.object { writer in
                writer.field("$version", "v1")
                writer.field("type", event.type.rawValue)
                writer.field("region", region)
                writer.field("applyTime", event.date.milliseconds)
                writer.key("payload")
                writer.object { writePayload(of: event, to: &$0) }
            }
            writer.field("sentAt", date)
            writeTenant(to: &writer)
        }
    }

    private func writePayload(of event: StorageEvent, to writer: inout JSONWriter) {
        writeTenant(to: &writer)
        writeAddress(event.address, to: &writer)
        if let version = event.version { writer.field("version", version.rawValue) }
        if let metadata = event.metadata { writer.field("metadata", metadata) }
        if let source = event.movedFrom {
            writer.key("oldObject")
            writer.object { writer in
                writeAddress(source, to: &writer)
                if let version = event.version { writer.field("version", version.rawValue) }
                if let id = event.requestID { writer.field("reqId", id) }
            }
        }
        if let type = event.uploadType { writer.field("uploadType", type.rawValue) }
        if let id = event.requestID { writer.field("reqId", id) }
        if let id = event.callerRequestID { writer.field("sbReqId", id) }
    }

    private func writeAddress(_ address: ObjectAddress, to writer: inout JSONWriter) {
        writer.field("name", address.key.rawValue)
        writer.field("bucketId", address.bucket.rawValue)
    }

    private func writeTenant(to writer: inout JSONWriter) {
        writer.key("tenant")
        writer.object { writer in
            writer.field("ref", tenant.reference)
            writer.field("host", tenant.host)
        }
    }
}
