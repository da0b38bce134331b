using Onward.Layers;
using Onward.Models;
using Onward.Training;

namespace Onward.Tests.Models;

/// <summary>The networks of other papers have the sizes that the papers give, and say which images they do not take.</summary>
public sealed class NamedNetworksTests
{
    [Theory]
    [InlineData("mlp", 28, 1, 2)]
    [InlineData("mlp", 5, 3, 2)]
    [InlineData("vgg8b", 28, 1, 7)]
    [InlineData("vgg8b", 32, 3, 7)]
    [InlineData("resmlp", 28, 1, 7)]
    [InlineData("resmlp", 224, 3, 7)]
    [InlineData("VIT-Tiny", 32, 3, 13)]
    public void A_network_fits_images_of_any_size(string name, int side, int channels, int blocks)
    {
        ExampleShape image = new(side, side, channels);

        Network model = new(image, NamedNetworks.BlocksOf(name, image), classes: 10);

        Assert.Equal(blocks, model.Blocks.Count);
        Assert.All(model.Blocks, block => Assert.True(block.Groups > 1));
    }

    // VGG8B has 7.3 million parameters on MNIST and 8.9 million on CIFAR-10 (Nokland and Eidnes 2019), DeiT-Ti 5.7 million with 224x224
    // pixels and 1000 classes (Touvron et al. 2021). Here the affine maps of normalisations are missing.
    [Theory]
    [InlineData("vgg8b", 28, 1, 10, 7.25e6, 7.35e6)]
    [InlineData("vgg8b", 32, 3, 10, 8.85e6, 8.95e6)]
    [InlineData("vit-tiny", 224, 3, 1000, 5.65e6, 5.75e6)]
    public void Sizes_are_those_of_the_papers(string name, int side, int channels, int classes, double least, double most)
    {
        ExampleShape image = new(side, side, channels);
        Network model = new(image, NamedNetworks.BlocksOf(name, image), classes);

        int heads = model.Blocks.Sum(block => block.Head.Weight.Length + block.Head.Bias.Length);

        Assert.InRange(model.Values.Layout.Length - heads, least, most);
    }

    // The file describes the same network for a context of 64 and 256 tokens.
    [Fact]
    public void The_network_of_text_is_that_of_the_sample_file()
    {
        ExampleShape window = new(64, 1, 1);
        Network named = new(window, NamedNetworks.GptMini(64, 256), 256, new() { PredictsNextToken = true });
        Network file = NetworkFile.Read(Checkout.PathOf("samples", "networks", "gpt-mini.json"))
            .Build(window, 256, predictsNextToken: true);

        Assert.Equal(NamesOf(file), NamesOf(named));
        Assert.All(named.Blocks, block => Assert.True(block.Layers.Count <= 2));

        static IEnumerable<string> NamesOf(Network network) => network.Blocks.Select(
            block => $"{string.Join(", ", block.Description.Layers)}; {block.Groups} groups, {block.Description.FeatureNorm}");
    }

    [Fact]
    public void Images_that_patches_do_not_divide_are_refused() => Assert.Equal(
        "Patches of 4x4 pixels do not divide images of 30 x 30 x 3. Choose another size.",
        Assert.Throws<ArgumentException>(() => NamedNetworks.BlocksOf("vit-tiny", new(30, 30, 3))).Message);

    [Fact]
    public void Images_too_small_for_the_pooling_are_refused() => Assert.Contains(
        "MaxPool2d(2, 2, 0)",
        Assert.Throws<ArgumentException>(() => NamedNetworks.BlocksOf("vgg8b", new(8, 8, 3))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void An_unknown_name_is_refused() => Assert.StartsWith(
        "There is no network 'vgg'; the networks are mlp, vgg8b, ",
        Assert.Throws<ArgumentException>(() => NamedNetworks.BlocksOf("vgg", new(32, 32, 3))).Message,
        StringComparison.Ordinal);
}
