using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// The network of the paper (section 5): an MLP-Mixer whose channels are divided into groups. A block mixes tokens, mixes channels, and
/// mixes the channels of each group; normalisation and ReLU follow each of these layers. The block's input is added before the last ReLU.
/// The first block has neither token mixing nor this residual.
/// </summary>
public static class LocalMixer
{
    /// <summary>Builds a network whose parameters are all 0 until <see cref="Network.Initialize"/> or a file sets them.</summary>
    /// <param name="options">The sizes of the network.</param>
    /// <exception cref="ArgumentException">A size is out of range, or the sizes do not fit one another.</exception>
    public static Network Build(LocalMixerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return new Network(
            new(options.ImageSide, options.ImageSide, options.ImageChannels),
            [.. Enumerable.Range(0, options.Blocks).Select(k => BlockOf(options, k))],
            options.Classes,
            new()
            {
                Projection = options.Projection,
                NormalizesReadout = options.Normalizations.HasFlag(Normalizations.Last),
                Epsilon = options.Epsilon,
                Initializer = options.Initializer,
                ZeroHeads = options.ZeroHeads,
            })
        {
            Mixer = options,
        };
    }

    private static Block BlockOf(LocalMixerOptions options, int k)
    {
        int inputs = k == 0 ? options.PatchVector : options.ChannelsOf(k - 1);
        int channels = options.ChannelsOf(k), groups = options.GroupsOf(k), size = channels / groups;
        Normalizations before = Normalizations.Begin;
        List<Layer> layers = [];
        if (k > 0)
        {
            AffineLayer tokens = options.TokenMixer == TokenMixer.Matrix
                ? new TokenMixing(options.PatchesOf(k), inputs) { Name = "token" }
                : new DepthwiseConvolution(options.PatchesPerSideOf(k), options.KernelSide, inputs) { Name = "conv" };
            Append(tokens, inputs, inputs);
            layers.Add(new Relu());
        }

        Append(new Linear(inputs, channels) { Name = "channel" }, inputs, channels);
        layers.Add(new Relu());
        Append(new GroupedLinear(groups, size) { Name = "group" }, size, size);
        return new Block([.. Entry(options, k), .. k == 0 ? layers : [new Residual(layers)], new Relu()])
        {
            Groups = groups,
            FeatureNorm = options.Normalizations.HasFlag(Normalizations.Inter) ? new LayerNorm(size, options.Epsilon) : null,
        };

        void Append(AffineLayer map, int inputNorm, int outputNorm)
        {
            Normalize(before, inputNorm);
            layers.Add(map);
            Normalize(Normalizations.PostLinear, outputNorm);
            before = Normalizations.Middle;
        }

        void Normalize(Normalizations which, int width)
        {
            if (options.Normalizations.HasFlag(which))
            {
                layers.Add(new LayerNorm(width, options.Epsilon));
            }
        }
    }

    // The first block cuts the image into patches. At a later one, the grid may narrow.
    private static IEnumerable<Layer> Entry(LocalMixerOptions options, int k)
    {
        if (k == 0)
        {
            ExampleShape image = new(options.ImageSide, options.ImageSide, options.ImageChannels);
            return [options.Patches == 1 ? new Flatten() : new ImagePatches(options.PatchesPerSide, image)];
        }

        int side = options.PatchesPerSideOf(k - 1), stride = k <= options.Downsample.Count ? options.Downsample[k - 1] : 1;
        return options.PatchesPerSideOf(k) < side ? [new GridPooling(options.Pooling, side, stride, options.ChannelsOf(k - 1))] : [];
    }
}
