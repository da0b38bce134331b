namespace Onward.Kernels;

/// <summary>
/// The vector instructions that <see cref="CounterKernel{TLanes, TVector}"/> is written in: lanes of 32 bits, read as
/// integers or as floats according to the instruction. Every one is exact or correctly rounded, so all widths agree
/// bit for bit.
/// </summary>
/// <typeparam name="TVector">The vector of 32-bit lanes.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>The number of 32-bit lanes.</summary>
    static abstract int Count { get; }

    /// <summary>0, 1, 2 ... in the lanes.</summary>
    static abstract TVector Indices { get; }

    static abstract TVector Broadcast(uint value);

    static abstract TVector Broadcast(float value);

    static abstract TVector Load(uint* source);

    static abstract void Store(TVector value, uint* destination);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    static abstract TVector And(TVector a, TVector b);

    static abstract TVector Or(TVector a, TVector b);

    static abstract TVector Xor(TVector a, TVector b);

    static abstract TVector ShiftLeft(TVector a, int count);

    static abstract TVector ShiftRight(TVector a, int count);

    /// <summary>Shifts right, copies of the sign bit coming in.</summary>
    static abstract TVector ShiftRightSigned(TVector a, int count);

    /// <summary>The 64-bit products of the even lanes; the odd lanes are ignored.</summary>
    static abstract TVector MultiplyEven(TVector a, TVector b);

    /// <summary>Moves each odd lane to the even lane below it, and clears the odd lanes.</summary>
    static abstract TVector OddToEven(TVector a);

    /// <summary>The even lanes of the first, with the even lanes of the second in the odd places.</summary>
    static abstract TVector Interleave(TVector even, TVector odd);

    /// <summary>The nearest float to each signed integer.</summary>
    static abstract TVector ToFloat(TVector signed);

    static abstract TVector AddFloat(TVector a, TVector b);

    static abstract TVector MultiplyFloat(TVector a, TVector b);

    /// <summary>a b + c with one rounding.</summary>
    static abstract TVector MultiplyAddFloat(TVector a, TVector b, TVector c);

    static abstract TVector SqrtFloat(TVector a);

    /// <summary>Each lane with its lower and its upper 16 bits exchanged.</summary>
    static abstract TVector ExchangeHalves(TVector a);

    /// <summary>Entries of a table of 32.</summary>
    /// <param name="table">The table.</param>
    /// <param name="low">The first entries of its first half, as many as a vector holds.</param>
    /// <param name="high">The same of its second half.</param>
    /// <param name="place">The place to read for each lane, modulo 32.</param>
    static abstract TVector Lookup(float* table, TVector low, TVector high, TVector place);
}
