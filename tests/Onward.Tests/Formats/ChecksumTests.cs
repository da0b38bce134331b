using Onward.Formats;

namespace Onward.Tests.Formats;

public sealed class ChecksumTests
{
    // The reference program's XXH3 of 128 bits, seed 0, and the SHA-256 of FIPS 180-2.
    [Fact]
    public void Checksums_are_the_published_ones()
    {
        using Checksum own = new(), old = Checksum.OfVersion01();
        own.Add("ab"u8);
        own.Add("c"u8);
        old.Add("ab"u8);
        old.Add("c"u8);

        Assert.Equal("99aa06d3014798d86001c324468d497f", Checksum.Of([]));
        Assert.Equal("06b05ab6733a618578af5f94892f3950", Checksum.Of("abc"u8));
        Assert.Equal("06b05ab6733a618578af5f94892f3950", own.End());
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", old.End());
    }

    [Fact]
    public void OpenSSL_is_found_where_it_is()
    {
        using System.Security.Cryptography.IncrementalHash works = System.Security.Cryptography.IncrementalHash.CreateHash(
            System.Security.Cryptography.HashAlgorithmName.SHA256);

        Assert.False(OpenSsl.IsMissing);
    }
}
