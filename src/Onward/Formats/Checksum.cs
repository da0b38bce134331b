using System.IO.Hashing;
using System.Security.Cryptography;

namespace Onward.Formats;

/// <summary>The checksum of Onward's own files and of values that processes compare: XXH3 with 128 bits.</summary>
/// <remarks>It needs no native library, unlike SHA-256 on Linux, and is faster than a disk. It detects damage, not forgery.</remarks>
internal sealed class Checksum : IDisposable
{
    /// <summary>Number of hexadecimal digits of the checksum.</summary>
    internal const int Digits = 32;

    private readonly XxHash128 _own = new();
    private readonly IncrementalHash? _sha256;

    /// <summary>Starts a checksum.</summary>
    internal Checksum()
    {
    }

    private Checksum(IncrementalHash sha256) => _sha256 = sha256;

    /// <summary>
    /// Starts a SHA-256, which checkpoints of version 0.1 contain. Must not be called if <see cref="OpenSsl.IsMissing"/>.
    /// </summary>
    internal static Checksum OfVersion01() => new(IncrementalHash.CreateHash(HashAlgorithmName.SHA256));

    /// <summary>Computes the checksum of bytes.</summary>
    internal static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(XxHash128.Hash(bytes));

    /// <summary>Adds bytes to the checksum.</summary>
    internal void Add(ReadOnlySpan<byte> bytes)
    {
        if (_sha256 is null)
        {
            _own.Append(bytes);
        }
        else
        {
            _sha256.AppendData(bytes);
        }
    }

    /// <summary>Completes the checksum.</summary>
    /// <returns>The checksum in lower-case hexadecimal.</returns>
    internal string End() => Convert.ToHexStringLower(_sha256 is null ? _own.GetHashAndReset() : _sha256.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _sha256?.Dispose();
}
