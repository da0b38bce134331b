using Onward.Data;
using Onward.Layers;
using Onward.Models;

namespace Onward.Onnx.Tests;

public sealed class OnnxFileTests
{
    // Three blocks. 5 patches along a side of 13 pixels need a repeated edge. Groups have 16 channels, because normalising a few
    // nearly equal numbers would amplify the rounding differences of the two runtimes.
    private static readonly LocalMixerOptions Small = new()
    {
        Blocks = 3,
        PatchesPerSide = 5,
        Channels = 64,
        Groups = 4,
        ImageSide = 13,
        ImageChannels = 3,
        Classes = 7,
    };

    public static TheoryData<string, int, int, int> Presets => new()
    {
        { "S/1/1", 28, 1, 10 },
        { "M/1/16", 28, 1, 10 },
        { "M/8/16", 32, 3, 10 },
        { "M/8/16", 28, 1, 10 },
        { "L/8/64", 32, 3, 10 },
        { "L/32/64", 224, 3, 100 },
    };

    public static TheoryData<int> AllNormalizations => [.. Enumerable.Range(0, (int)Normalizations.All + 1)];

    // A thousand images take a minute with L/8/64 and a quarter of an hour with L/32/64. ONWARD_ONNX_IMAGES sets the number of images.
    [Theory]
    [MemberData(nameof(Presets))]
    public void Presets_answer_as_the_library_does(string preset, int side, int channels, int classes)
    {
        int few = preset switch { "L/32/64" => 1, "L/8/64" => 10, _ => 1000 };
        int images = int.TryParse(Environment.GetEnvironmentVariable("ONWARD_ONNX_IMAGES"), out int asked) ? asked : few;
        RequireSame(LocalMixerPresets.Get(preset, side, channels, classes), images);
    }

    [Theory]
    [MemberData(nameof(AllNormalizations))]
    public void Every_choice_of_normalisations(int normalizations) =>
        RequireSame(Small with { Normalizations = (Normalizations)normalizations });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void Convolution_over_patches(int kernelSide) =>
        RequireSame(Small with { TokenMixer = TokenMixer.DepthwiseConvolution, KernelSide = kernelSide });

    [Theory]
    [InlineData(5, 2, PatchPooling.Average)]
    [InlineData(5, 3, PatchPooling.Average)]
    [InlineData(6, 2, PatchPooling.Average)]
    [InlineData(6, 3, PatchPooling.Maximum)]
    [InlineData(7, 2, PatchPooling.Maximum)]
    [InlineData(7, 3, PatchPooling.Average)]
    [InlineData(2, 2, PatchPooling.Average)]
    [InlineData(2, 3, PatchPooling.Maximum)]
    public void Fewer_patches_from_block_to_block(int side, int stride, PatchPooling pooling) =>
        RequireSame(Small with { PatchesPerSide = side, Downsample = [stride, 2, 1], Pooling = pooling });

    [Theory]
    [InlineData(TokenMixer.Matrix, 2, 2, 1)]
    [InlineData(TokenMixer.Matrix, 3, 1, 1)]
    [InlineData(TokenMixer.DepthwiseConvolution, 2, 4, 2)]
    public void More_channels_and_groups_from_block_to_block(TokenMixer mixer, int channels, int groups, int downsample) => RequireSame(
        Small with { TokenMixer = mixer, ChannelRatio = [channels, 2, 1], GroupRatio = [groups, 1, 1], Downsample = [downsample, 1, 1] });

    [Theory]
    [InlineData(TokenMixer.Matrix, Normalizations.All & ~Normalizations.Inter)]
    [InlineData(TokenMixer.DepthwiseConvolution, Normalizations.PostLinear)]
    [InlineData(TokenMixer.Matrix, Normalizations.All)]
    [InlineData(TokenMixer.Matrix, Normalizations.None)]
    public void Networks_that_learned_without_labels(TokenMixer mixer, Normalizations normalizations) =>
        RequireSame(Small with { Projection = 6, TokenMixer = mixer, Normalizations = normalizations });

    [Theory]
    [InlineData(1, 13)]
    [InlineData(13, 13)]
    [InlineData(8, 13)]
    public void Patches_of_any_size(int patches, int side) => RequireSame(Small with { PatchesPerSide = patches, ImageSide = side });

    [Fact]
    public void The_file_tells_what_goes_in_and_what_comes_out()
    {
        Network model = Random(Small);
        using Onnx onnx = new(model, Describe(Small));

        Assert.Equal(["image"], onnx.Session.InputNames);
        Assert.Equal([-1, 13, 13, 3], onnx.Session.InputMetadata["image"].Dimensions);
        Assert.Equal("N", onnx.Session.InputMetadata["image"].SymbolicDimensions[0]);
        Assert.Equal(["probabilities", "logits", "block_0_logits", "block_1_logits", "block_2_logits"], onnx.Session.OutputNames);
        Assert.All(onnx.Session.OutputNames, name => Assert.Equal([-1, 7], onnx.Session.OutputMetadata[name].Dimensions));
        Dictionary<string, string> properties = onnx.Session.ModelMetadata.CustomMetadataMap;
        Assert.Equal("""["class 0","class 1","class 2","class 3","class 4","class 5","class 6"]""", properties["onward.class_names"]);
        Assert.Equal(
            "float32 [N, 13, 13, 3], red, green, blue, intensities 0 to 255; the graph standardises them", properties["onward.input"]);
        Assert.Equal("[0.25,0.5,0.75]", properties["onward.mean"]);
        Assert.Equal("Onward", onnx.Session.ModelMetadata.ProducerName);
        Assert.InRange(onnx.Size, model.Values.Layout.Count * sizeof(float), (model.Values.Layout.Count * sizeof(float)) + 40_000);
    }

    [Fact]
    public void Images_of_another_kind_and_folders_that_are_missing_are_refused()
    {
        Network model = LocalMixer.Build(Small);
        string folder = Directory.CreateTempSubdirectory("onward-onnx-").FullName;

        Assert.Contains(
            "got 1 means",
            Assert.Throws<ArgumentException>(
                () => OnnxFile.Save(model, Describe(Small) with { Mean = [0] }, Path.Combine(folder, "m.onnx"))).Message);
        Assert.Throws<DirectoryNotFoundException>(() => OnnxFile.Save(model, Describe(Small), Path.Combine(folder, "absent", "m.onnx")));
        Directory.CreateDirectory(Path.Combine(folder, "taken"));
        Assert.ThrowsAny<Exception>(() => OnnxFile.Save(model, Describe(Small), Path.Combine(folder, "taken")));

        Assert.Equal([Path.Combine(folder, "taken")], Directory.GetFileSystemEntries(folder));
        Directory.Delete(folder, recursive: true);
    }

    private static void RequireSame(LocalMixerOptions options, int examples = 3, int batch = 25)
    {
        Network model = Random(options);
        ImageDescription images = Describe(options);
        using Onnx onnx = new(model, images);
        for (int first = 0; first < examples; first += batch)
        {
            SameOutputs.Require(model, images, onnx, Math.Min(batch, examples - first), first);
        }
    }

    private static ImageDescription Describe(LocalMixerOptions options) => new(
        [.. Enumerable.Range(0, options.Classes).Select(label => $"class {label}")],
        options.ImageChannels == 1 ? [0.3f] : [0.25f, 0.5f, 0.75f],
        options.ImageChannels == 1 ? [0.2f] : [0.2f, 0.25f, 0.3f]);

    private static Network Random(LocalMixerOptions options) => SameOutputs.Draw(LocalMixer.Build(options));
}
