using Onward.Data;
using Onward.Kernels;
using Onward.Layers;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

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
            RequireSame(model, images, onnx, Math.Min(batch, examples - first), first);
        }
    }

    private static void RequireSame(Network model, ImageDescription images, Onnx onnx, int examples, int first)
    {
        LocalMixerOptions options = model.Mixer!;
        int length = options.ImageSide * options.ImageSide * options.ImageChannels;
        float[] pixels = [.. Bytes(examples * length, first)];

        IReadOnlyDictionary<string, float[]> outputs = onnx.Run(
            pixels, [examples, options.ImageSide, options.ImageSide, options.ImageChannels]);

        Dictionary<string, List<float>> expected = Expected(model, images, pixels, length);
        Assert.Equal(expected.Keys.Order(), outputs.Keys.Order());
        foreach ((string name, float[] values) in outputs)
        {
            Assert.Equal(expected[name].Count, values.Length);
            float size = Math.Max(1, expected[name].Max(Math.Abs));
            double worst = values.Zip(expected[name], (one, other) => Math.Abs(one - other)).Max() / size;
            Assert.True(worst <= 1e-5, $"{name} differs by {worst:g3} of {size:g3}");
            Assert.True(name == "probabilities" || values.Distinct().Count() > values.Length / 2, $"{name} is constant");
        }
    }

    // Computes the outputs with this library, head by head.
    private static Dictionary<string, List<float>> Expected(Network model, ImageDescription images, float[] pixels, int length)
    {
        LocalMixerOptions options = model.Mixer!;
        ForwardPass pass = new(model);
        Dictionary<string, List<float>> expected = [];
        float[] image = new float[length];
        for (int start = 0; start < pixels.Length; start += length)
        {
            for (int i = 0; i < length; i++)
            {
                int channel = i % options.ImageChannels;
                image[i] = ((pixels[start + i] / 255) - images.Mean[channel]) / images.StandardDeviation[channel];
            }

            pass.Run(image, 1, block =>
            {
                Read($"block_{block.Index}_{(options.IsSelfSupervised ? "projection" : "logits")}", block.Head, pass.Pooled);
                if (model.Projector is not null && block.Index == model.Blocks.Count - 1)
                {
                    Read("projection", model.Projector, Mean(pass, block)); // what no normalisation came before
                }

                return true;
            });
            Read("logits", model.Readout, pass.Features);
            float[] probabilities = new float[options.Classes];
            new Predictor(model).Predict(image, probabilities);
            Add("probabilities", probabilities);
        }

        return expected;

        void Read(string name, LinearHead head, ReadOnlySpan<float> features)
        {
            float[] outputs = new float[head.Outputs];
            head.Apply(model.Values, features[..head.Features], outputs, 1);
            Add(name, outputs);
        }

        void Add(string name, float[] values)
        {
            expected.TryAdd(name, []);
            expected[name].AddRange(values);
        }
    }

    // The mean of the block's output over patches.
    private static float[] Mean(ForwardPass pass, NetworkBlock block)
    {
        float[] mean = new float[block.Channels];
        block.Pool(pass.Output(block)[..(block.Patches * block.Channels)], mean);
        return mean;
    }

    private static ImageDescription Describe(LocalMixerOptions options) => new(
        [.. Enumerable.Range(0, options.Classes).Select(label => $"class {label}")],
        options.ImageChannels == 1 ? [0.3f] : [0.25f, 0.5f, 0.75f],
        options.ImageChannels == 1 ? [0.2f] : [0.2f, 0.25f, 0.3f]);

    // Fills all parameters with random numbers, including those that are initialised to 0.
    private static Network Random(LocalMixerOptions options)
    {
        Network model = LocalMixer.Build(options);
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            int fanIn = parameter.Name.Contains(".conv.", StringComparison.Ordinal)
                ? parameter.Shape[0] * parameter.Shape[0]
                : parameter.Shape[^Math.Min(2, parameter.Shape.Count)];
            float scale = parameter.IsMatrix ? 1 / MathF.Sqrt(fanIn) : 0.1f;
            Span<float> values = model.Values[parameter];
            CounterRandom.Normals(new RandomStream(7, RandomPurpose.Initialization, Example: (uint)parameter.Offset), 0, values);
            System.Numerics.Tensors.TensorPrimitives.Multiply(values, scale, values);
        }

        using WorkerTeam team = new(1);
        model.Pack(team);
        return model;
    }

    private static IEnumerable<float> Bytes(int count, int first = 0)
    {
        float[] normals = new float[count];
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Data, Example: (uint)first), 0, normals);
        return normals.Select(normal => Math.Clamp(MathF.Round(128 + (60 * normal)), 0, 255));
    }
}
