using Onward.Layers;
using Onward.Models;

namespace Onward.Runs;

/// <summary>The sizes of the blocks of a network, where they differ from its preset (spec 2.9).</summary>
internal sealed record NetworkScaling(
    IReadOnlyList<int> Downsample, IReadOnlyList<int> ChannelRatio, IReadOnlyList<int> GroupRatio, PatchPooling Pooling)
{
    /// <summary>As part of a network's name.</summary>
    internal string Name =>
        Part("down", Downsample) + (Pooling == PatchPooling.Maximum ? "max" : "") + Part("wide", ChannelRatio) + Part("groups", GroupRatio);

    /// <summary>The options of a network, scaled.</summary>
    internal LocalMixerOptions Apply(LocalMixerOptions network) =>
        network with { Downsample = Downsample, ChannelRatio = ChannelRatio, GroupRatio = GroupRatio, Pooling = Pooling };

    private static string Part(string name, IReadOnlyList<int> factors) => factors.Count == 0 ? "" : $"-{name}{string.Join('.', factors)}";
}
