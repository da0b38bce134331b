using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class RandomStreamTests
{
    [Fact]
    public void Purpose_pass_and_layer_have_bits_of_their_own()
    {
        Assert.Equal(0x00000000u, new RandomStream(7, RandomPurpose.Perturbation, 1, 0, 0, 2).Site);
        Assert.Equal(0x4FFF0000u, new RandomStream(7, RandomPurpose.Augmentation, 1, 4095, 0, 2).Site);
        Assert.Equal(0x1001FFFFu, new RandomStream(7, RandomPurpose.Initialization, 1, 1, 65535, 2).Site);
    }

    [Fact]
    public void Rejects_fields_that_do_not_fit_the_counter()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomStream(7, RandomPurpose.Data, Pass: 4096));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomStream(7, RandomPurpose.Data, Layer: 65536));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomStream(7, (RandomPurpose)16));
    }

    [Fact]
    public void Rejects_them_in_changed_copies_too()
    {
        var stream = new RandomStream(7, RandomPurpose.Data);

        Assert.Throws<ArgumentOutOfRangeException>(() => stream with { Pass = 4096 });
        Assert.Throws<ArgumentOutOfRangeException>(() => stream with { Layer = 65536 });
        Assert.Throws<ArgumentOutOfRangeException>(() => stream with { Purpose = (RandomPurpose)16 });
        Assert.Equal(4095u, (stream with { Pass = 4095 }).Pass);
    }
}
