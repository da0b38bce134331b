using Onward.Models;
using Onward.Tests.Oracle;
using Onward.Threads;

namespace Onward.Tests.Models;

/// <summary>Packed weights are used again only if nobody can have changed the parameters since.</summary>
public sealed class ParameterVectorTests : IDisposable
{
    private readonly WorkerTeam _team = new(1);
    private readonly Network _model = TinyNetwork.Create(TinyNetwork.TwoBlocks(patchesPerSide: 2, channels: 24, groups: 2), 3).Model;

    public ParameterVectorTests() => _model.Values.EndLoans();

    private Parameter Weight => _model.Blocks[0].Layers[0].Weight;

    [Fact]
    public void Current_weights_are_not_packed_again()
    {
        Assert.True(Pack());
        Assert.False(Pack());
        Assert.Equal(_model.Values.Read(Weight), _model.Values.Update(Weight));
        Assert.False(Pack());
    }

    [Fact]
    public void Blocks_that_were_left_out_are_packed()
    {
        Assert.True(_model.Pack(_team, 1..2));
        Assert.False(_model.Pack(_team, 1..2));
        Assert.True(Pack());
        Assert.False(_model.Pack(_team, 1..2));
    }

    [Fact]
    public void Weights_are_packed_as_long_as_somebody_may_write_them()
    {
        Pack();
        Span<float> held = _model.Values[Weight];

        Assert.True(Pack());
        held[0]++;
        Assert.True(Pack());

        _model.Values.EndLoans();
        Assert.True(Pack());
        Assert.False(Pack());
    }

    [Fact]
    public void All_ways_to_write_are_a_change()
    {
        Action[] ways =
        [
            () => _ = _model.Values.All,
            () => _ = _model.Values.Memory,
            () => _ = _model.Values[Weight],
            () => _model.Initialize(5),
            _model.Values.MarkChanged,
        ];

        Assert.All(ways, way =>
        {
            _model.Values.EndLoans();
            Pack();
            Assert.False(Pack());
            way();
            Assert.True(Pack());
        });
    }

    public void Dispose() => _team.Dispose();

    private bool Pack() => _model.Pack(_team, ..2);
}
