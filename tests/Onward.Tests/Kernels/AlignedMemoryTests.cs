using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class AlignedMemoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(1000)]
    [InlineData(100_003)]
    public void Memory_starts_on_a_cache_line_and_stays_there(int length)
    {
        Memory<float>[] memories = [.. Enumerable.Range(0, 20).Select(_ => AlignedMemory.Allocate(length))];
        nint[] addresses = [.. memories.Select(Address)];

        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);

        Assert.All(addresses, address => Assert.Equal(0, address % 64));
        Assert.Equal(addresses, memories.Select(Address));
    }

    [Fact]
    public void Memory_is_zeroed_and_of_the_length_asked_for()
    {
        for (int length = 0; length < 40; length++)
        {
            Memory<float> memory = AlignedMemory.Allocate(length);

            Assert.Equal(new float[length], memory.ToArray());
            memory.Span.Fill(1);
        }
    }

    [Fact]
    public void Rejects_a_negative_length() => Assert.Throws<ArgumentOutOfRangeException>(() => AlignedMemory.Allocate(-1));

    private static nint Address(Memory<float> memory) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<float>(), ref MemoryMarshal.GetReference(memory.Span));
}
