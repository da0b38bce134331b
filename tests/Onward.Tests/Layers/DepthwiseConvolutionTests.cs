using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class DepthwiseConvolutionOfOnePatchTests() : AffineLayerTests(AffineDefinition.Convolution(1, 3, 24));

public sealed class DepthwiseConvolutionOfOnePatchUnderLargeKernelTests() : AffineLayerTests(AffineDefinition.Convolution(1, 5, 7));

public sealed class DepthwiseConvolutionOfOnePlaceTests() : AffineLayerTests(AffineDefinition.Convolution(2, 1, 64));

public sealed class DepthwiseConvolutionOfFourPatchesUnderLargeKernelTests() : AffineLayerTests(AffineDefinition.Convolution(2, 5, 3));

public sealed class DepthwiseConvolutionOfTwentyFivePatchesTests() : AffineLayerTests(AffineDefinition.Convolution(5, 3, 85));

public sealed class DepthwiseConvolutionOfSixtyFourPatchesTests() : AffineLayerTests(AffineDefinition.Convolution(8, 3, 32));

public sealed class DepthwiseConvolutionOfSixtyFourPatchesAndManyChannelsTests() : AffineLayerTests(
    AffineDefinition.Convolution(8, 5, 149));

public sealed class DepthwiseConvolutionTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4)]
    public void Kernel_without_a_middle_is_refused(int kernelSide) =>
        Assert.Contains(
            $"odd number above 0; got {kernelSide}",
            Assert.Throws<ArgumentException>(() => new DepthwiseConvolution(3, kernelSide, 8)).Message,
            StringComparison.Ordinal);
}
