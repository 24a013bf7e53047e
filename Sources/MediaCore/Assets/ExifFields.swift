// SPDX-License-Identifier: Apache-2.0

/// What EXIF says that an asset has fields of its own for. EXIF 2.32, §4.6.
struct ExifFields {
    let tags: [String: String]

    /// When the picture was taken. EXIF's clock has no zone unless it says so: then it counts as UTC.
    var dateCreated: Timestamp? {
        guard let text = tags["DateTimeOriginal"] ?? tags["DateTimeDigitized"] else { return nil }
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == " " })
        guard parts.count == 6, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return nil }
        let date = "\(parts[0])-\(parts[1])-\(parts[2])T\(parts[3]):\(parts[4]):\(parts[5])Z"
        return Timestamp(iso8601: date)?.adding(seconds: -offset)
    }

    /// In seconds east of Greenwich: `+02:00`.
    private var offset: Int64 {
        guard let text = tags["OffsetTimeOriginal"] ?? tags["OffsetTimeDigitized"], text.utf8.count == 6,
            let hours = Int64(text.dropFirst().prefix(2)), let minutes = Int64(text.suffix(2)), hours <= 14, minutes < 60
        else { return 0 }
        let seconds = hours * 3600 + minutes * 60
        return text.hasPrefix("-") ? -seconds : seconds
    }

    /// In degrees north.
    var latitude: Double? { degrees("GPSLatitude", negative: "S", limit: 90) }
    /// In degrees east.
    var longitude: Double? { degrees("GPSLongitude", negative: "W", limit: 180) }

    /// Three fractions, `33/1 51/1 61/2`: degrees, minutes, seconds.
    private func degrees(_ name: String, negative: Character, limit: Double) -> Double? {
        guard let numbers = tags[name]?.split(separator: " ").map(Self.fraction), numbers.count == 3 else { return nil }
        var value = 0.0
        for (number, share) in zip(numbers, [1.0, 60, 3600]) {
            guard let number else { return nil }
            value += number / share
        }
        guard value.isFinite, value <= limit else { return nil }
        return tags[name + "Ref"]?.first == negative ? -value : value
    }

    private static func fraction(_ text: Substring) -> Double? {
        let parts = text.split(separator: "/")
        guard let above = parts.first.flatMap({ Double($0) }), above >= 0 else { return nil }
        guard parts.count == 2 else { return above }
        guard let below = Double(parts[1]), below > 0 else { return nil }
        return above / below
    }
}
